#include "sscvae/image/noise_level.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/full.h>
#include <ATen/ops/kthvalue.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

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

at::Tensor is_saturated(const at::Tensor& image) { return image.eq(0).logical_or(image.eq(1)).any(0); }

/// 1 where a filter sees no saturated pixel, else 0 [1,1,h,w].
at::Tensor unsaturated(const at::Tensor& saturated, int64_t side) {
  const at::Tensor map = saturated.to(at::kFloat).view({1, 1, saturated.size(0), saturated.size(1)});
  return 1 - at::max_pool2d(map, {side, side}, {NoiseFilters::kStride, NoiseFilters::kStride});
}

at::Tensor window_mean(const at::Tensor& map) {
  constexpr int64_t window = NoiseFilters::kWindow, step = NoiseFilters::kWindowStep;
  return at::avg_pool2d(at::constant_pad_nd(map, {0, window - 1, 0, window - 1}), {window, window}, {step, step});
}

/// 1 where no filter answers in any channel, else 0 [1,1,h,w].
at::Tensor silent(const at::Tensor& response) {
  return response.abs().amax({0, 1}, true).lt(NoiseFilters::kFlat).to(at::kFloat);
}

/// Without positions that no filter answers to (a frame around the image), unless they are half of all.
at::Tensor answering(const at::Tensor& response, const at::Tensor& clear) {
  const at::Tensor flat = silent(response) * clear;
  return 2 * flat.sum().item<double>() < clear.sum().item<double>() ? clear - flat : clear;
}

/// Black on white: hardly a window without a saturated pixel, and paper between the edges.
bool is_page(const at::Tensor& response, const at::Tensor& clear) {
  const at::Tensor share = window_mean(clear);
  return share.numel() >= NoiseFilters::kFewestWindows &&
         share.gt(0.5).sum().item<int64_t>() < NoiseFilters::kFewestWindows &&
         silent(response).mean().item<double>() >= NoiseFilters::kSilent;
}

/// From the mean squares of each filter [C,F,h,w] the energy [C,h,w]: their mean, where the first one, which answers to
/// a checker of single pixels, counts at most kMostOfFirst times what the others have.
at::Tensor energy_of(const at::Tensor& squares) {
  const int64_t others = squares.size(1) - 1;
  if (others == 0) return squares.select(1, 0);
  const at::Tensor rest = squares.narrow(1, 1, others).mean({1});
  const at::Tensor first = at::minimum(squares.select(1, 0), rest * NoiseFilters::kMostOfFirst);
  return (first + rest * static_cast<double>(others)) / static_cast<double>(others + 1);
}

/// Responses of filters at every second row and column [C,F,h,w], and a mask [1,1,h,w] of those that count.
struct Responses {
  at::Tensor response, clear;
};

/// To filters [F,1,n,n], of an image [C,H,W]; positions that see a pixel of `saturated` [H,W] do not count.
Responses responses(const at::Tensor& image, const at::Tensor& saturated, const at::Tensor& filters) {
  return {at::conv2d(image.unsqueeze(1), filters, {}, NoiseFilters::kStride), unsaturated(saturated, filters.size(2))};
}

void count_all_where_few_are_clear(Responses& responses) {
  if (responses.clear.sum().item<double>() < NoiseFilters::kFewest) responses.clear = at::ones_like(responses.clear);
}

/// An upper bound of the noise variance of each channel [C]: white noise would be seen at every position, also at the
/// calmest ones. Positions that overlap silent ones left out of the count see only part of the noise and are skipped;
/// infinite if no others remain.
at::Tensor largest_variance(const Responses& all, int64_t side) {
  const at::Tensor counted = answering(all.response, all.clear), squares = all.response.square();
  const int64_t reach = side / NoiseFilters::kStride - 1;
  const at::Tensor beside = at::max_pool2d(all.clear - counted, {2 * reach + 1, 2 * reach + 1}, {1, 1}, {reach, reach});
  const at::Tensor used = counted.mul(1 - beside).squeeze(0).squeeze(0) > 0.5;
  const int64_t count = used.sum().item<int64_t>();
  if (count == 0) return at::full({squares.size(0)}, std::numeric_limits<float>::infinity());
  const at::Tensor values = energy_of(squares).masked_select(used).view({squares.size(0), count});
  const auto index = static_cast<int64_t>(NoiseFilters::kCalmest * static_cast<double>(count - 1));
  return std::get<0>(at::kthvalue(values, index + 1, 1)) / NoiseFilters::kCalmestBias;
}

/// The variance of each channel [C] by its quiet windows; nothing with too few windows.
std::optional<at::Tensor> variance_of_windows(const Responses& all) {
  const at::Tensor counted = answering(all.response, all.clear), share = window_mean(counted);
  const at::Tensor energy = energy_of(window_mean(all.response.square() * counted) / share.clamp_min(1e-6));
  const at::Tensor used = share.squeeze(0).squeeze(0) > 0.5;
  const int64_t count = used.sum().item<int64_t>();
  if (count < NoiseFilters::kFewestWindows) return std::nullopt;
  const at::Tensor values = energy.masked_select(used).view({energy.size(0), count});
  const auto index = static_cast<int64_t>(NoiseFilters::kQuiet * static_cast<double>(count - 1));
  return std::get<0>(values.sort(1)).select(1, index) / NoiseFilters::kQuietBias;
}

/// The deviation of each channel [C] by single responses; nothing without any.
std::optional<at::Tensor> deviation_of_responses(const Responses& all) {
  const at::Tensor sizes = (all.response.abs() * all.clear).flatten(1);  // [C,F h w]
  const at::Tensor used =
      sizes.masked_select(sizes.amax(0).gt(NoiseFilters::kFlat).expand_as(sizes)).reshape({sizes.size(0), -1});
  if (used.numel() == 0) return std::nullopt;
  return std::get<0>(used.median(1)) / NoiseFilters::kNormal;
}

/// The three highest frequencies of the n x n cosine transform, the highest first: [3,1,n,n].
at::Tensor highest(int64_t side) {
  return at::stack(
             {filter(side, side - 1, side - 1), filter(side, side - 1, side - 2), filter(side, side - 2, side - 1)})
      .unsqueeze(1);
}

}  // namespace

NoiseFilters noise_filters(int64_t height, int64_t width) {
  if (height < NoiseFilters::kSmallest || width < NoiseFilters::kSmallest)
    return {filter(2, 1, 1).view({1, 1, 2, 2}), {}};
  return {highest(8), highest(4)};
}

double estimate_sigma_8bit(const at::Tensor& image) {
  check_shape(image, "image", "C,H,W", {-1, -1, -1});
  if (image.size(1) < 2 || image.size(2) < 2) return 0;
  const at::NoGradGuard no_grad;
  const NoiseFilters how = noise_filters(image.size(1), image.size(2));
  const at::Tensor values = image.to(at::kFloat), saturated = is_saturated(values);
  if (saturated.all().item<bool>()) return 0;
  Responses all = responses(values, saturated, how.filters);
  if (is_page(all.response, all.clear)) return 0;
  count_all_where_few_are_clear(all);
  if (const auto variance = variance_of_windows(all)) {
    Responses small = responses(values, saturated, how.small_filters);
    count_all_where_few_are_clear(small);
    const at::Tensor most =
        at::minimum(largest_variance(all, how.filters.size(2)), largest_variance(small, how.small_filters.size(2)));
    return at::minimum(*variance, most).median().sqrt().item<double>() * 255;
  }
  const auto deviation = deviation_of_responses(all);
  return deviation ? deviation->median().item<double>() * 255 : 0;
}

}  // namespace sscvae::image
