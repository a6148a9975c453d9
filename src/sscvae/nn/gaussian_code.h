#pragma once

#include <ATen/core/Tensor.h>

/// Independent Gaussian variables as a code. Source: Kingma & Welling 2014.
namespace sscvae::nn {

/// Clamps log-variances to the range in which their exponentials are meaningful.
at::Tensor limited_log_variance(const at::Tensor& log_variance);
/// mean + exp(log_variance / 2) noise, with noise drawn from `seed`: [N,d,h,w].
at::Tensor drawn_code(const at::Tensor& mean, const at::Tensor& log_variance, uint64_t seed);
/// Kullback-Leibler divergence from N(0,1), summed over channels and averaged over positions and images:
/// 1/2 sum (mean^2 + variance - 1 - log variance).
at::Tensor gaussian_divergence(const at::Tensor& mean, const at::Tensor& log_variance);

}  // namespace sscvae::nn
