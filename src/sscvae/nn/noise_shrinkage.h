#pragma once

#include <ATen/core/Tensor.h>

/// Shrinkage by thresholds that follow the noise, in passes with gradients: theta = floor + sigma slope, one floor and
/// slope >= 0 for each atom [K], one level sigma for each image [N,1,1,1], which takes no gradient. On the CPU in
/// float32 one pass over memory each way (kernels/noise_shrink.h, kernels/group_shrink.h), everywhere else LibTorch's
/// operations.
namespace sscvae::nn {

struct ThresholdLine {
  at::Tensor floor, slope, sigma;
};

/// shrink(step, theta factors): step [N,K,h,w]; factors like step, or undefined: 1.
at::Tensor shrink_by_noise(const at::Tensor& step, const ThresholdLine& line, const at::Tensor& factors = {});

/// step max(0, 1 - theta / sqrt(E)), E = own step^2 + pooled: a group of entries passes together where their energy is
/// above theta^2. own [K] >= 0, pooled like step, >= 0. With own = 1 and pooled = 0 the same as shrink_by_noise.
at::Tensor shrink_by_group(const at::Tensor& step, const ThresholdLine& line, const at::Tensor& own,
                           const at::Tensor& pooled);

}  // namespace sscvae::nn
