#include "sscvae/metrics/kernel_distance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/metrics/features.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

constexpr int64_t kRowsAtOnce = 1024;

/// Sum of k over the pairs of rows of two blocks, the second one turned: [n,d], [d,m].
double kernel_sum_of_blocks(const Array& rows, const Array& columns) {
  const Array kernel = mm(rows, columns) / static_cast<double>(rows.size(1)) + 1.0;
  return sum(square(kernel) * kernel);
}

/// Sum of k over all pairs of rows, in blocks. k(x, y) is k(y, x): `within` one set a block beside the diagonal stands
/// for two.
double kernel_sum(const Array& a, const Array& b, bool within = false) {
  double total = 0;
  for (int64_t j = 0; j < b.size(0); j += kRowsAtOnce) {
    const Array columns = b.narrow(0, j, std::min(kRowsAtOnce, b.size(0) - j)).t().contiguous();
    for (int64_t i = 0; i < (within ? j + 1 : a.size(0)); i += kRowsAtOnce) {
      const Array rows = a.narrow(0, i, std::min(kRowsAtOnce, a.size(0) - i));
      total += (within && i < j ? 2 : 1) * kernel_sum_of_blocks(rows, columns);
    }
  }
  return total;
}

/// Mean of k over pairs within one set.
double mean_within(const Array& rows, bool unbiased) {
  const double count = static_cast<double>(rows.size(0)), all_pairs = kernel_sum(rows, rows, true);
  if (!unbiased) return all_pairs / (count * count);
  const Array own = sum(square(rows), {1}) / static_cast<double>(rows.size(1)) + 1.0;
  return (all_pairs - sum(square(own) * own)) / (count * (count - 1));
}

double distance(const Array& a, const Array& b, bool unbiased) {
  const double pairs = static_cast<double>(a.size(0)) * static_cast<double>(b.size(0));
  return mean_within(a, unbiased) + mean_within(b, unbiased) - 2 * kernel_sum(a, b) / pairs;
}

Array shuffled(const Array& rows, uint64_t seed, const char* name) {
  std::vector<int64_t> order(static_cast<size_t>(rows.size(0)));
  std::iota(order.begin(), order.end(), 0);
  Random random(derive_seed(seed, name));
  for (int64_t i = rows.size(0) - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
  return index_select(rows, 0, Array::of(order));
}

/// The k-th of `count` nearly equal parts of the rows.
Array part(const Array& rows, int64_t k, int64_t count) {
  const int64_t begin = rows.size(0) * k / count, end = rows.size(0) * (k + 1) / count;
  return rows.narrow(0, begin, end - begin);
}

}  // namespace

double kernel_distance(const Array& a, const Array& b, bool unbiased) {
  check_features(a, b);
  return distance(plain(a), plain(b), unbiased);
}

KernelDistance kernel_distance_with_error(const Array& a, const Array& b, const KernelDistanceOptions& options) {
  if (options.subsets < 1)
    throw UsageError("kernel distance: expected at least 1 subset, got " + std::to_string(options.subsets));
  KernelDistance result;
  result.value = kernel_distance(a, b);
  result.subsets = std::min({options.subsets, a.size(0) / 2, b.size(0) / 2});
  result.standard_error = std::numeric_limits<double>::quiet_NaN();
  if (result.subsets < 2) return result;
  const Array rows = shuffled(plain(a), options.seed, "a"), others = shuffled(plain(b), options.seed, "b");
  std::vector<double> values;
  for (int64_t k = 0; k < result.subsets; ++k)
    values.push_back(distance(part(rows, k, result.subsets), part(others, k, result.subsets), true));
  const double count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  result.standard_error = std::sqrt(squares / (count - 1) / count);
  return result;
}

}  // namespace sscvae::metrics
