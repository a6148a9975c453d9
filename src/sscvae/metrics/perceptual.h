#pragma once

#include <cstdint>
#include <string>

#include "sscvae/array/array.h"

/// Learned perceptual image patch similarity, version 0.1: how different two images look, told by the features of a
/// network that knows photographs. 0 for equal images, about 1 for unrelated ones; lower is nearer. The figure; the
/// network, also for training: lpips.h.
/// Source: Zhang, Isola, Efros, Shechtman, Wang, CVPR 2018.
namespace sscvae::metrics {

/// AlexNet (the usual choice for figures) and SqueezeNet 1.1.
enum class LpipsNet { kAlex, kSqueeze };

/// Smallest height and width that the network can see: 31 (AlexNet) or 17 (SqueezeNet).
int64_t smallest_side(LpipsNet net);
/// "lpips/lpips_alex_v0.1.safetensors" or "lpips/lpips_squeeze_v0.1.safetensors", see core/shipped_files.h.
std::string weights_file(LpipsNet net);

/// [N,1,H,W] -> [N,3,H,W] by repetition, a view; three channels stay as they are. Errors: ShapeError for anything else.
Array three_channels(const Array& images);

/// The figure of two images [C,H,W] or the mean over [N,C,H,W] in [0,1], grey or colour, fed as 2x - 1 or, with
/// `centred` false, as they are. In float32. Errors: ShapeError for unequal shapes, other than 1 or 3 channels, or
/// sides below smallest_side; those of shipped_lpips (lpips.h).
double lpips(const Array& a, const Array& b, LpipsNet net = LpipsNet::kAlex, bool centred = true);

}  // namespace sscvae::metrics
