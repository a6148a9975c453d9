#include "sscvae/image/noise.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"

namespace sscvae::image {

namespace {

void check_sigma(double sigma_8bit) {
  if (!std::isfinite(sigma_8bit) || sigma_8bit < 0)
    throw UsageError("sigma_8bit: expected a number >= 0, got " + to_text(sigma_8bit));
}

}  // namespace

at::Tensor numpy_gaussian(uint32_t seed, double scale, at::IntArrayRef hwc_shape) {
  at::Tensor noise = at::empty(hwc_shape, at::kDouble);
  MersenneTwister generator = MersenneTwister::numpy(seed);
  double* values = noise.mutable_data_ptr<double>();
  for (int64_t i = 0; i < noise.numel(); ++i) values[i] = scale * generator.next_gauss();
  return noise;
}

at::Tensor add_gaussian_noise(const at::Tensor& chw_image, double sigma_8bit, uint32_t seed, bool clip) {
  check_shape(chw_image, "image", "C,H,W", {-1, -1, -1});
  check_sigma(sigma_8bit);
  const at::Tensor noise =
      numpy_gaussian(seed, sigma_8bit / 255.0, {chw_image.size(1), chw_image.size(2), chw_image.size(0)});
  const at::Tensor sum = chw_image.to(at::kDouble) + noise.permute({2, 0, 1}).to(chw_image.device());
  const at::Tensor noisy = sum.to(chw_image.scalar_type()).contiguous();
  return clip ? noisy.clamp(0, 1) : noisy;
}

at::Tensor authors_noise(const at::Tensor& batch_nchw, double sigma_8bit, uint64_t seed) {
  check_shape(batch_nchw, "batch", "N,C,H,W", {-1, -1, -1, -1});
  check_sigma(sigma_8bit);
  const at::Tensor noise = at::randn(batch_nchw.sizes(), at::detail::createCPUGenerator(seed),
                                     at::TensorOptions().dtype(at::kFloat));
  return (batch_nchw + (noise * sigma_8bit / 255.0).to(batch_nchw.device())).clamp(0, 1);
}

}  // namespace sscvae::image
