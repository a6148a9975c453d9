#include "sscvae/metrics/kernel_distance.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/metrics/features.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

constexpr int64_t kRowsAtOnce = 1024;

/// Sum of k over all pairs of rows, in blocks.
double kernel_sum(const at::Tensor& a, const at::Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(0); i += kRowsAtOnce)
    for (int64_t j = 0; j < b.size(0); j += kRowsAtOnce) {
      const at::Tensor rows = a.narrow(0, i, std::min(kRowsAtOnce, a.size(0) - i));
      const at::Tensor columns = b.narrow(0, j, std::min(kRowsAtOnce, b.size(0) - j));
      sum += (at::matmul(rows, columns.t()) / static_cast<double>(a.size(1)) + 1).pow(3).sum().item<double>();
    }
  return sum;
}

/// Mean of k over pairs within one set.
double mean_within(const at::Tensor& rows, bool unbiased) {
  const double count = static_cast<double>(rows.size(0)), all = kernel_sum(rows, rows);
  if (!unbiased) return all / (count * count);
  const at::Tensor norms = rows.square().sum(1) / static_cast<double>(rows.size(1)) + 1;
  return (all - norms.pow(3).sum().item<double>()) / (count * (count - 1));
}

double distance(const at::Tensor& a, const at::Tensor& b, bool unbiased) {
  const double pairs = static_cast<double>(a.size(0)) * static_cast<double>(b.size(0));
  return mean_within(a, unbiased) + mean_within(b, unbiased) - 2 * kernel_sum(a, b) / pairs;
}

at::Tensor shuffled(const at::Tensor& rows, uint64_t seed, const char* name) {
  std::vector<int64_t> order(static_cast<size_t>(rows.size(0)));
  std::iota(order.begin(), order.end(), 0);
  Random random(derive_seed(seed, name));
  for (int64_t i = rows.size(0) - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
  return rows.index_select(0, at::tensor(order, at::kLong));
}

/// The k-th of `count` nearly equal parts of the rows.
at::Tensor part(const at::Tensor& rows, int64_t k, int64_t count) {
  const int64_t begin = rows.size(0) * k / count, end = rows.size(0) * (k + 1) / count;
  return rows.narrow(0, begin, end - begin);
}

}  // namespace

double kernel_distance(const at::Tensor& a, const at::Tensor& b, bool unbiased) {
  check_features(a, b);
  return distance(plain(a), plain(b), unbiased);
}

KernelDistance kernel_distance_with_error(const at::Tensor& a, const at::Tensor& b,
                                          const KernelDistanceOptions& options) {
  if (options.subsets < 1)
    throw UsageError("kernel distance: expected at least 1 subset, got " + std::to_string(options.subsets));
  KernelDistance result;
  result.value = kernel_distance(a, b);
  result.subsets = std::min({options.subsets, a.size(0) / 2, b.size(0) / 2});
  result.standard_error = std::numeric_limits<double>::quiet_NaN();
  if (result.subsets < 2) return result;
  const at::Tensor rows = shuffled(plain(a), options.seed, "a"), others = shuffled(plain(b), options.seed, "b");
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
