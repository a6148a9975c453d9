#include "sscvae/image/noise_level.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

#include "sscvae/core/shape.h"

namespace sscvae::image {

namespace {

/// Row `frequency` of the orthonormal cosine transform of that length.
at::Tensor cosine(int64_t length, int64_t frequency) {
  const at::Tensor at_pixels =
      (at::arange(length, at::kDouble) * 2 + 1) *
      (static_cast<double>(frequency) * std::numbers::pi / (2.0 * static_cast<double>(length)));
  const at::Tensor wave = at_pixels.cos();
  return wave / wave.norm();
}

at::Tensor filter(int64_t length, int64_t row, int64_t column) {
  return at::outer(cosine(length, row), cosine(length, column)).to(at::kFloat);
}

/// 1 where a filter sees no pixel of exactly 0 or 1, else 0 [1,1,h,w]; all 1 where that would leave too few.
at::Tensor unsaturated(const at::Tensor& image, int64_t side) {
  const at::Tensor saturated =
      image.eq(0).logical_or(image.eq(1)).any(0).to(at::kFloat).view({1, 1, image.size(1), -1});
  const at::Tensor clear = 1 - at::max_pool2d(saturated, {side, side}, {NoiseFilters::kStride, NoiseFilters::kStride});
  return clear.sum().item<double>() < NoiseFilters::kFewest ? at::ones_like(clear) : clear;
}

}  // namespace

NoiseFilters noise_filters(int64_t height, int64_t width) {
  if (height < 16 || width < 16) return {filter(2, 1, 1).view({1, 1, 2, 2})};
  return {at::stack({filter(8, 7, 7), filter(8, 7, 6), filter(8, 6, 7)}).unsqueeze(1)};
}

double estimate_sigma_8bit(const at::Tensor& image) {
  check_shape(image, "image", "C,H,W", {-1, -1, -1});
  if (image.size(1) < 2 || image.size(2) < 2) return 0;
  const at::NoGradGuard no_grad;
  const NoiseFilters how = noise_filters(image.size(1), image.size(2));
  const at::Tensor values = image.to(at::kFloat);
  const at::Tensor response =
      (at::conv2d(values.unsqueeze(1), how.filters, {}, how.kStride).abs() * unsaturated(values, how.filters.size(2)))
          .flatten(1);  // [C,F h w]
  const at::Tensor used =
      response.masked_select(response.amax(0).gt(how.kFlat).expand_as(response)).reshape({image.size(0), -1});
  if (used.numel() == 0) return 0;
  const at::Tensor deviation = std::get<0>(used.median(1)) / how.kNormal * 255;
  return deviation.median().item<double>();
}

}  // namespace sscvae::image
