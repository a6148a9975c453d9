#pragma once

#include <c10/core/Device.h>

#include "sscvae/metrics/lpips.h"
#include "sscvae/train/adversary.h"

namespace sscvae::train {

/// LPIPS on that device, with gradients to both images and none to the weights: float images [N,3,H,W] in [-1,1] ->
/// [N]. Errors: ShapeError as metrics::check_lpips_images.
PerceptualDistance lpips_distance(const metrics::LpipsWeights& weights, c10::Device device);
/// With AlexNet, from the weights that came with the program. Errors: IoError where they are not there.
PerceptualDistance shipped_perceptual_distance(c10::Device device);

}  // namespace sscvae::train
