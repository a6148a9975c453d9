#include "sscvae/image/noise_level.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/maps.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"

namespace sscvae::image {

namespace {

/// Row `frequency` of the orthonormal cosine transform of that length.
Array cosine(int64_t length, int64_t frequency) {
  const Array wave = cos((Array::range(length, kFloat64) * 2 + 1) *
                         (static_cast<double>(frequency) * std::numbers::pi / (2.0 * static_cast<double>(length))));
  return wave / std::sqrt(dot(wave, wave));
}

Array filter(int64_t length, int64_t row, int64_t column) {
  return outer(cosine(length, row), cosine(length, column)).to(kFloat32);
}

/// 1 where a pixel of float32 [C,H,W] is exactly 0 or 1 in any channel, else 0 [1,1,H,W].
Array is_saturated(const Array& image) {
  const Array map = Array::zeros({1, 1, image.size(1), image.size(2)});
  float* saturated = map.data<float>();
  for (int64_t c = 0; c < image.size(0); ++c) {
    const Array channel = image.select(0, c).contiguous();
    const float* value = channel.data<float>();
    for (int64_t i = 0; i < map.numel(); ++i)
      if (value[i] == 0 || value[i] == 1) saturated[i] = 1;
  }
  return map;
}

/// The largest number in windows of a map [N,C,H,W], by rows, then by columns.
Array window_max(const Array& map, int64_t side, int64_t stride, int64_t padding) {
  const Array rows = max_pool2d(map, {.kernel = {side, 1}, .stride = {stride, 1}, .padding = {padding, 0}});
  return max_pool2d(rows, {.kernel = {1, side}, .stride = {1, stride}, .padding = {0, padding}});
}

/// 1 where a filter sees no saturated pixel, else 0 [1,1,h,w].
Array unsaturated(const Array& saturated, int64_t side) {
  return 1 - window_max(saturated, side, NoiseFilters::kStride, 0);
}

Array window_mean(const Array& map) {
  constexpr int64_t window = NoiseFilters::kWindow, step = NoiseFilters::kWindowStep;
  return avg_pool2d(pad(map, {0, window - 1, 0, window - 1}), {.kernel = {window, window}, .stride = {step, step}});
}

/// 1 where no filter answers in any channel, else 0 [1,1,h,w].
Array is_silent(const Array& response) {
  const Array sizes = abs(response).view({-1, response.size(2), response.size(3)});
  Array largest = sizes.select(0, 0);
  for (int64_t i = 1; i < sizes.size(0); ++i) largest = maximum(largest, sizes.select(0, i));
  return lt(largest, NoiseFilters::kFlat).to(kFloat32).unsqueeze(0).unsqueeze(0);
}

/// From the mean squares of each filter [C,F,h,w] the energy [C,h,w]: their mean, where the first one, which answers to
/// a checker of single pixels, counts at most kMostOfFirst times what the others have.
Array energy_of(const Array& squares) {
  const int64_t others = squares.size(1) - 1;
  if (others == 0) return squares.select(1, 0);
  Array rest = squares.select(1, 1);
  for (int64_t f = 2; f <= others; ++f) rest = rest + squares.select(1, f);
  rest = rest / static_cast<double>(others);
  const Array first = minimum(squares.select(1, 0), rest * NoiseFilters::kMostOfFirst);
  return (first + rest * static_cast<double>(others)) / static_cast<double>(others + 1);
}

/// Responses of filters at every second row and column [C,F,h,w], and masks [1,1,h,w] of those that count and of the
/// silent ones.
struct Responses {
  Array response, clear, silent;
};

/// One row of responses to a filter [side,side]: sums[i] over the pixels from column 2 i on. `columns` are the even and
/// the odd columns of the image, from the uppermost row on.
void add_responses(const std::array<const float*, 2>& columns, const std::array<int64_t, 2>& row_lengths,
                   const float* filter, int64_t side, std::vector<double>& sums) {
  const auto width = static_cast<int64_t>(sums.size());
  double* sum = sums.data();
  for (int64_t y = 0; y < side; ++y)
    for (int64_t x = 0; x < side; ++x) {
      const double weight = filter[y * side + x];
      const auto odd = static_cast<size_t>(x % 2);
      const float* from = columns[odd] + y * row_lengths[odd] + x / 2;
      for (int64_t i = 0; i < width; ++i) sum[i] += weight * from[i];
    }
}

/// A general convolution makes a copy of all windows: sixteen times the memory of a channel.
Array filtered(const Array& image, const Array& filters) {
  constexpr int64_t step = NoiseFilters::kStride;
  const int64_t channels = image.size(0), rows = image.size(1), count = filters.size(0), side = filters.size(2);
  const int64_t height = (rows - side) / step + 1, width = (image.size(2) - side) / step + 1;
  const Array even = image.slice(2, 0, image.size(2), step).contiguous();
  const Array odd = image.slice(2, 1, image.size(2), step).contiguous();
  const std::array<int64_t, 2> lengths = {even.size(2), odd.size(2)};
  const Array response = Array::empty({channels, count, height, width});
  parallel_for(0, channels * count * height, 4, [&](int64_t begin, int64_t end) {
    std::vector<double> sums(static_cast<size_t>(width));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t f = i / height % count, top = i / height / count * rows + i % height * step;
      std::fill(sums.begin(), sums.end(), 0.0);
      add_responses({even.data<float>() + top * lengths[0], odd.data<float>() + top * lengths[1]}, lengths,
                    filters.data<float>() + f * side * side, side, sums);
      std::copy(sums.begin(), sums.end(), response.data<float>() + i * width);
    }
  });
  return response;
}

/// To filters [F,1,n,n], of an image [C,H,W]; positions that see a pixel of `saturated` [1,1,H,W] do not count.
Responses responses(const Array& image, const Array& saturated, const Array& filters) {
  const Array response = filtered(image, filters);
  return {response, unsaturated(saturated, filters.size(2)), is_silent(response)};
}

/// Without positions that no filter answers to (a frame around the image), unless they are half of all.
Array answering(const Responses& all) {
  const Array flat = all.silent * all.clear;
  return 2 * sum(flat) < sum(all.clear) ? all.clear - flat : all.clear;
}

/// Black on white: hardly a window without a saturated pixel, and paper between the edges.
bool is_page(const Responses& all) {
  const Array share = window_mean(all.clear);
  return share.numel() >= NoiseFilters::kFewestWindows &&
         count_nonzero(gt(share, 0.5)) < NoiseFilters::kFewestWindows && mean(all.silent) >= NoiseFilters::kSilent;
}

void count_all_where_few_are_clear(Responses& responses) {
  if (sum(responses.clear) < NoiseFilters::kFewest) responses.clear = ones_like(responses.clear);
}

/// An upper bound of the noise variance of each channel [C]: white noise would be seen at every position, also at the
/// calmest ones. Positions that overlap silent ones left out of the count see only part of the noise and are skipped;
/// infinite if no others remain.
Array largest_variance(const Responses& all, int64_t side) {
  const Array counted = answering(all), squares = square(all.response);
  const int64_t reach = side / NoiseFilters::kStride - 1;
  const Array beside = window_max(all.clear - counted, 2 * reach + 1, 1, reach);
  const Array used = gt((counted * (1 - beside)).squeeze(0).squeeze(0), 0.5);
  const int64_t count = count_nonzero(used);
  if (count == 0) return Array::full({squares.size(0)}, std::numeric_limits<float>::infinity());
  const Array values = masked_select(energy_of(squares), used).view({squares.size(0), count});
  const auto index = static_cast<int64_t>(NoiseFilters::kCalmest * static_cast<double>(count - 1));
  return kth_smallest_of_rows(values, index + 1) / NoiseFilters::kCalmestBias;
}

/// The variance of each channel [C] by its quiet windows; nothing with too few windows.
std::optional<Array> variance_of_windows(const Responses& all) {
  const Array counted = answering(all), share = window_mean(counted);
  const Array energy = energy_of(window_mean(square(all.response) * counted) / clamp_min(share, 1e-6));
  const Array used = gt(share.squeeze(0).squeeze(0), 0.5);
  const int64_t count = count_nonzero(used);
  if (count < NoiseFilters::kFewestWindows) return std::nullopt;
  const Array values = masked_select(energy, used).view({energy.size(0), count});
  const auto index = static_cast<int64_t>(NoiseFilters::kQuiet * static_cast<double>(count - 1));
  return kth_smallest_of_rows(values, index + 1) / NoiseFilters::kQuietBias;
}

/// The deviation of each channel [C] by single responses; nothing without any.
std::optional<Array> deviation_of_responses(const Responses& all) {
  const Array sizes = (abs(all.response) * all.clear).flatten(1);  // [C,F h w]
  const Array used = masked_select(sizes, gt(amax(sizes, {0}), NoiseFilters::kFlat)).reshape({sizes.size(0), -1});
  if (used.numel() == 0) return std::nullopt;
  return kth_smallest_of_rows(used, (used.size(1) + 1) / 2) / NoiseFilters::kNormal;
}

/// The three highest frequencies of the n x n cosine transform, the highest first: [3,1,n,n].
Array highest(int64_t side) {
  return stack({filter(side, side - 1, side - 1), filter(side, side - 1, side - 2), filter(side, side - 2, side - 1)})
      .unsqueeze(1);
}

}  // namespace

NoiseFilters noise_filters(int64_t height, int64_t width) {
  if (height < NoiseFilters::kSmallest || width < NoiseFilters::kSmallest)
    return {filter(2, 1, 1).view({1, 1, 2, 2}), {}};
  return {highest(8), highest(4)};
}

double estimate_sigma_8bit(const Array& image) {
  check_shape(image, "image", "C,H,W", {-1, -1, -1});
  if (image.size(1) < 2 || image.size(2) < 2) return 0;
  const NoiseFilters how = noise_filters(image.size(1), image.size(2));
  const Array values = image.to(kFloat32), saturated = is_saturated(values);
  if (all(saturated)) return 0;
  Responses large = responses(values, saturated, how.filters);
  if (is_page(large)) return 0;
  count_all_where_few_are_clear(large);
  if (const auto variance = variance_of_windows(large)) {
    Responses small = responses(values, saturated, how.small_filters);
    count_all_where_few_are_clear(small);
    const Array most =
        minimum(largest_variance(large, how.filters.size(2)), largest_variance(small, how.small_filters.size(2)));
    return std::sqrt(static_cast<float>(median(minimum(*variance, most)))) * 255.0;
  }
  const auto deviation = deviation_of_responses(large);
  return deviation ? median(*deviation) * 255 : 0;
}

}  // namespace sscvae::image
