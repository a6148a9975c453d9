#pragma once

#include <ATen/core/Tensor.h>

/// Independent Gaussian variables as a code. Source: Kingma & Welling 2014.
namespace sscvae::nn {

/// What a log-variance may be: beyond, exponentials say nothing.
at::Tensor limited_log_variance(const at::Tensor& log_variance);
/// mean + exp(log_variance / 2) noise, whose draw is a function of `seed`: [N,d,h,w].
at::Tensor drawn_code(const at::Tensor& mean, const at::Tensor& log_variance, uint64_t seed);
/// Of these distributions from N(0,1), summed over channels, mean over positions and images:
/// 1/2 sum (mean^2 + variance - 1 - log variance).
at::Tensor gaussian_divergence(const at::Tensor& mean, const at::Tensor& log_variance);

}  // namespace sscvae::nn
