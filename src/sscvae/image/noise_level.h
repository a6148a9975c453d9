#pragma once

#include <ATen/core/Tensor.h>

namespace sscvae::image {

/// What an image says about its noise: how it is filtered, and from which size of the response on it counts.
struct NoiseFilters {
  at::Tensor filters;  ///< [F,1,n,n], unit length
  static constexpr int64_t kStride = 2;
  static constexpr double kFlat = 1e-6;      ///< responses below are rounding errors of flat areas
  static constexpr double kNormal = 0.6745;  ///< median of |x| for x of standard deviation 1
  static constexpr int64_t kFewest = 64;     ///< positions without saturated pixels, below which the others count, too
};
/// For images of that size: the three highest frequencies of the 8 x 8 cosine transform, or the diagonal of 2 x 2 for
/// images below 16 pixels.
NoiseFilters noise_filters(int64_t height, int64_t width);

/// Standard deviation of white Gaussian noise in an image [C,H,W] in [0,1], in 8-bit grey levels: the median over
/// channels of median|d| / 0.6745, where d are the responses to noise_filters() at every second row and column.
/// Positions without response in all channels (flat borders) are left out, and so are those that see a pixel of exactly
/// 0 or 1 in any channel, where noise was cut off, while kFewest others remain; 0 where nothing is left. Source: Donoho
/// & Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage" (median absolute deviation), which takes the
/// finest wavelets; images have less of their own at these higher frequencies. What they have still counts as noise:
/// mean error on BSD68 +1.6 grey levels without noise, +0.4 at 15, -0.2 at 50.
double estimate_sigma_8bit(const at::Tensor& image);

}  // namespace sscvae::image
