#include "sscvae/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

Array plain(const Array& array, DataType type) { return array.to(type).contiguous(); }

void check_image_pair(const Array& a, const Array& b) {
  const bool is_image = a.defined() && a.dim() >= 2 && a.dim() <= 4 && a.numel() > 0;
  if (!is_image)
    throw ShapeError("image: expected [H, W], [C, H, W] or [N, C, H, W] and not empty, got " + shape_text(a));
  if (!b.defined() || a.sizes() != b.sizes())
    throw ShapeError("images to compare: expected equal shapes, got " + shape_text(a) + " and " + shape_text(b));
}

double mean_squared_error(const Array& a, const Array& b) {
  check_image_pair(a, b);
  constexpr int64_t kPart = int64_t{1} << 20;  // values in double precision at a time
  const Array first = a.reshape({-1}), second = b.reshape({-1});
  double total = 0;
  for (int64_t begin = 0; begin < first.numel(); begin += kPart) {
    const int64_t count = std::min(kPart, first.numel() - begin);
    total += sum(square(plain(first.narrow(0, begin, count)) - plain(second.narrow(0, begin, count))));
  }
  return total / static_cast<double>(first.numel());
}

double psnr_db(const Array& a, const Array& b, double data_range) {
  return 10 * std::log10(data_range * data_range / mean_squared_error(a, b));
}

namespace {

void check_code(const Array& code) {
  const bool fits = code.defined() && (code.dim() == 3 || code.dim() == 4) && code.numel() > 0;
  if (!fits) throw ShapeError("code: expected [K, h, w] or [N, K, h, w] and not empty, got " + shape_text(code));
}

/// Sum of the sparsity at the positions of one code [K,positions], read in the order of its memory.
double hoyer_sum(const Array& code) {
  const auto atoms = static_cast<size_t>(code.size(0)), positions = static_cast<size_t>(code.size(1));
  const auto to_atom = static_cast<size_t>(code.stride(0)), to_position = static_cast<size_t>(code.stride(1));
  const double *values = code.data<double>(), root = std::sqrt(static_cast<double>(atoms));
  std::vector<double> l1(positions), squares(positions);
  const auto add = [&](size_t k, size_t p) {
    const double value = values[k * to_atom + p * to_position];
    l1[p] += std::abs(value);
    squares[p] += value * value;
  };
  if (to_atom < to_position) {
    for (size_t p = 0; p < positions; ++p)
      for (size_t k = 0; k < atoms; ++k) add(k, p);
  } else {
    for (size_t k = 0; k < atoms; ++k)
      for (size_t p = 0; p < positions; ++p) add(k, p);
  }
  double total = 0;
  for (size_t p = 0; p < positions; ++p) total += l1[p] == 0 ? 1 : (root - l1[p] / std::sqrt(squares[p])) / (root - 1);
  return total;
}

}  // namespace

double hoyer(const Array& code) {
  check_code(code);
  const int64_t atoms = code.size(-3), positions = code.size(-1) * code.size(-2);
  if (atoms == 1) return 1;
  const Array codes = code.to(kFloat64).reshape({-1, atoms, positions});
  double total = 0;
  for (int64_t n = 0; n < codes.size(0); ++n) total += hoyer_sum(codes.select(0, n));
  return total / static_cast<double>(codes.size(0) * positions);
}

double nonzeros_per_position(const Array& code) {
  check_code(code);
  return static_cast<double>(count_nonzero(code)) / static_cast<double>(code.numel() / code.size(-3));
}

double zero_fraction(const Array& code) {
  check_code(code);
  return 1 - static_cast<double>(count_nonzero(code)) / static_cast<double>(code.numel());
}

double fit_error(const Array& features, const Array& coded_features) {
  if (!features.defined() || !coded_features.defined() || features.sizes() != coded_features.sizes() ||
      features.numel() == 0)
    throw ShapeError("features and coded features: expected equal shapes and not empty, got " + shape_text(features) +
                     " and " + shape_text(coded_features));
  const Array wanted = plain(features);
  const double missed = sum(square(wanted - plain(coded_features))), total = sum(square(wanted));
  if (total == 0) return missed == 0 ? 0 : std::numeric_limits<double>::infinity();
  return missed / total;
}

}  // namespace sscvae::metrics
