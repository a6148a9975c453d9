#include "sscvae/nn/gaussian_code.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>

#include "sscvae/core/random.h"
#include "sscvae/nn/to_device.h"

namespace sscvae::nn {

namespace {

constexpr double kLowestLogVariance = -30, kHighestLogVariance = 20;

}  // namespace

at::Tensor limited_log_variance(const at::Tensor& log_variance) {
  return log_variance.clamp(kLowestLogVariance, kHighestLogVariance);
}

at::Tensor drawn_code(const at::Tensor& mean, const at::Tensor& log_variance, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(derive_seed(seed, "reparametrisation"));
  const at::Tensor drawn = at::randn(mean.sizes(), generator, at::TensorOptions().dtype(at::kFloat));
  const at::Tensor noise = to_device(drawn, mean.device()).to(mean.scalar_type());
  return mean + (0.5 * log_variance).exp() * noise;
}

at::Tensor gaussian_divergence(const at::Tensor& mean, const at::Tensor& log_variance) {
  return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum({1}).mean();
}

}  // namespace sscvae::nn
