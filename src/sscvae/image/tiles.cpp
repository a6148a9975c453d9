#include "sscvae/image/tiles.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/image/padding.h"

namespace sscvae::image {

namespace {

void check_plan(int64_t tile, int64_t overlap, int64_t multiple) {
  if (tile < 1) throw UsageError("tile: expected >= 1, got " + std::to_string(tile));
  if (multiple < 1) throw UsageError("tile multiple: expected >= 1, got " + std::to_string(multiple));
  if (overlap < 0) throw UsageError("tile overlap: expected >= 0, got " + std::to_string(overlap));
  if (round_up(overlap, multiple) >= round_up(tile, multiple))
    throw UsageError("tile overlap: expected less than the tile of " + std::to_string(tile) + " pixels (multiples of " +
                     std::to_string(multiple) + "), got " + std::to_string(overlap));
}

Array take(const Array& image, const TileSpan& row, const TileSpan& column) {
  return reflected_span(reflected_span(image, 2, row.begin, row.size), 3, column.begin, column.size);
}

/// Rises from 0 to 1 over the shared pixels; two that face each other add up to 1.
double fade(int64_t i, int64_t shared) {
  if (i >= shared) return 1;
  const double s = std::sin(std::numbers::pi / 2 * (static_cast<double>(i) + 0.5) / static_cast<double>(shared));
  return s * s;
}

using RunTile = std::function<Array(const Array&, const OwnPart&)>;

Array run_checked(const Array& tile, const OwnPart& own, const RunTile& run) {
  const Array result = run(tile, own);
  check_shape(result, "result of a tile", "N,C,h,w", {tile.size(0), -1, tile.size(2), tile.size(3)});
  return result;
}

/// First and last pixel + 1 of a span that are its own.
std::pair<int64_t, int64_t> own_pixels(const TileSpan& span, int64_t multiple) {
  const auto half = [&](int64_t shared) { return shared / multiple / 2 * multiple; };
  return {half(span.fade_in), span.size - (span.fade_out - half(span.fade_out))};
}

OwnPart own_part(const TileSpan& row, const TileSpan& column, int64_t multiple) {
  const auto [top, bottom] = own_pixels(row, multiple);
  const auto [left, right] = own_pixels(column, multiple);
  return {top, bottom, left, right};
}

}  // namespace

std::vector<TileSpan> plan_tiles(int64_t length, int64_t tile, int64_t overlap, int64_t multiple) {
  check_plan(tile, overlap, multiple);
  if (length < 1) throw ShapeError("tiles: the image has no pixels");
  const int64_t units = round_up(length, multiple) / multiple, shared = round_up(overlap, multiple) / multiple;
  const int64_t largest = std::min(units, round_up(tile, multiple) / multiple);
  const int64_t step = std::max<int64_t>(1, largest - shared);
  const int64_t gaps = (units - largest + step - 1) / step;
  const int64_t tile_units = (units + gaps * shared + gaps) / (gaps + 1);  // what so many spans need, rounded up
  const int64_t rest = units - tile_units;
  std::vector<TileSpan> spans;
  for (int64_t i = 0; i <= gaps; ++i)
    spans.push_back({gaps == 0 ? 0 : i * rest / gaps * multiple, tile_units * multiple, 0, 0});
  for (size_t i = 1; i < spans.size(); ++i)
    spans[i].fade_in = spans[i - 1].fade_out = spans[i - 1].begin + spans[i - 1].size - spans[i].begin;
  return spans;
}

std::vector<Array> tile_weights(const std::vector<TileSpan>& spans) {
  if (spans.empty()) return {};
  std::vector<double> total(static_cast<size_t>(spans.back().begin + spans.back().size), 0.0);
  std::vector<Array> weights;
  for (const TileSpan& span : spans) {
    const Array weight = Array::empty({span.size}, kFloat64);
    double* w = weight.data<double>();
    for (int64_t i = 0; i < span.size; ++i) {
      w[i] = fade(i, span.fade_in) * fade(span.size - 1 - i, span.fade_out);
      total[static_cast<size_t>(span.begin + i)] += w[i];
    }
    weights.push_back(weight);
  }
  for (size_t s = 0; s < spans.size(); ++s) {
    double* w = weights[s].data<double>();
    for (int64_t i = 0; i < spans[s].size; ++i) w[i] /= total[static_cast<size_t>(spans[s].begin + i)];
  }
  return weights;
}

Array process_tiled(const Array& nchw, int64_t tile, int64_t overlap, int64_t multiple, const RunTile& run) {
  check_shape(nchw, "image", "N,C,H,W", {-1, -1, -1, -1});
  const int64_t height = nchw.size(2), width = nchw.size(3);
  const std::vector<TileSpan> rows = plan_tiles(height, tile, overlap, multiple);
  const std::vector<TileSpan> columns = plan_tiles(width, tile, overlap, multiple);
  if (rows.size() == 1 && columns.size() == 1)
    return crop_to(run_checked(take(nchw, rows[0], columns[0]), own_part(rows[0], columns[0], multiple), run), height,
                   width)
        .contiguous();

  const std::vector<Array> row_weights = tile_weights(rows), column_weights = tile_weights(columns);
  Array sum;
  DataType type = kFloat32;  // of the results
  for (size_t y = 0; y < rows.size(); ++y)
    for (size_t x = 0; x < columns.size(); ++x) {
      const Array result = run_checked(take(nchw, rows[y], columns[x]), own_part(rows[y], columns[x], multiple), run);
      if (!sum.defined()) {
        type = result.type();
        sum = Array::zeros({nchw.size(0), result.size(1), height, width}, type == kFloat64 ? kFloat64 : kFloat32);
      }
      const int64_t h = std::min(rows[y].size, height - rows[y].begin);
      const int64_t w = std::min(columns[x].size, width - columns[x].begin);
      const Array weight =
          (row_weights[y].narrow(0, 0, h).unsqueeze(1) * column_weights[x].narrow(0, 0, w).unsqueeze(0)).to(sum.type());
      sum.narrow(2, rows[y].begin, h).narrow(3, columns[x].begin, w) += crop_to(result, h, w) * weight;
    }
  return sum.to(type);
}

}  // namespace sscvae::image
