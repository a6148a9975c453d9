#pragma once

#include <ATen/core/Tensor.h>

namespace sscvae::image {

/// Standard deviation of white Gaussian noise in an image [C,H,W] in [0,1], in 8-bit grey levels: the median over
/// channels of median|d| / 0.6745, where d = (a - b - c + e) / 2 is the diagonal Haar detail of each 2x2 block (a b / c
/// e). Blocks where d is exactly 0 in all channels (flat borders, saturated areas) are left out; 0 without any block.
/// Source: Donoho & Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage" (median absolute deviation).
/// Texture of the finest scale counts as noise: the estimate is an upper bound on strongly textured images.
double estimate_sigma_8bit(const at::Tensor& image);

}  // namespace sscvae::image
