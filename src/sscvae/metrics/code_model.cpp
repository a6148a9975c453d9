#include "sscvae/metrics/code_model.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"

namespace sscvae::metrics {

namespace {

constexpr double kUsualPositions = 0.99, kLeastImageLimit = 0.05, kImageMargin = 1.5;

std::vector<double> numbers_of(const Array& values) {
  const Array flat = values.to(kFloat64).contiguous();
  return {flat.data<double>(), flat.data<double>() + flat.numel()};
}

/// Adds what the entries z of one atom cost to the surprise at their positions.
void add_atom(double* surprise, const float* z, int64_t positions, double used, double per_magnitude) {
  for (int64_t p = 0; p < positions; ++p)
    if (z[p] != 0) surprise[p] += used + std::abs(static_cast<double>(z[p])) * per_magnitude;
}

}  // namespace

Array CodeModel::surprise(const Array& code) const {
  check_shape(code, "code", "N,K,h,w", {-1, static_cast<int64_t>(shares.size()), -1, -1});
  const Array z = code.to(kFloat32).contiguous();
  const Array sums = Array::zeros({z.size(0), z.size(2), z.size(3)}, kFloat64);
  const int64_t positions = z.size(2) * z.size(3);
  const float* values = z.data<float>();
  for (int64_t n = 0; n < z.size(0); ++n)
    for (size_t k = 0; k < shares.size(); ++k) {
      add_atom(sums.data<double>() + n * positions, values, positions, std::log2((1 - shares[k]) / shares[k]),
               1 / (magnitudes[k] * std::numbers::ln2));
      values += positions;
    }
  return sums.to(kFloat32);
}

CodeModel fit_code_model(const std::vector<Array>& codes) {
  if (codes.empty()) throw UsageError("no codes to learn from");
  const int64_t atoms = codes[0].dim() == 4 ? codes[0].size(1) : 0;
  const Array counts = Array::zeros({atoms}, kFloat64), sums = Array::zeros({atoms}, kFloat64);
  int64_t positions = 0;
  for (const Array& code : codes) {
    check_shape(code, "code", "1,K,h,w", {1, atoms, -1, -1});
    counts += sum(ne(code, 0.0), {0, 2, 3});
    sums += sum(abs(code).to(kFloat64), {0, 2, 3});
    positions += code.size(2) * code.size(3);
  }
  const double used = sum(counts);
  if (used == 0) throw UsageError("the codes of these images are all zero: nothing to learn from");
  CodeModel model;
  const double nearly_all = static_cast<double>(positions) - 0.5;
  model.shares = numbers_of(clamp(counts, 0.5, nearly_all) / static_cast<double>(positions));
  model.magnitudes = numbers_of(where(gt(counts, 0.0), sums / counts, Array::scalar(sum(sums) / used, kFloat64)));

  std::vector<Array> surprises;
  for (const Array& code : codes) surprises.push_back(model.surprise(code).flatten());
  const Array all_surprises = cat(surprises);
  const auto limit = static_cast<int64_t>(kUsualPositions * static_cast<double>(all_surprises.numel() - 1));
  model.position_limit = kth_smallest(all_surprises, limit + 1);
  double largest = 0;
  for (const Array& surprise : surprises) largest = std::max(largest, mean(gt(surprise, model.position_limit)));
  model.image_limit = std::clamp(kImageMargin * largest, kLeastImageLimit, 1.0);
  return model;
}

}  // namespace sscvae::metrics
