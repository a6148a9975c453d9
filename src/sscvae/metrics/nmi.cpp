#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sscvae/metrics/metrics.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

/// The bin of each value; empty if a value is not finite.
template <class Real>
std::vector<uint8_t> bins_of(const Real* values, size_t count) {
  if (!std::all_of(values, values + count, [](Real value) { return std::isfinite(value); })) return {};
  const auto [low, high] = std::minmax_element(values, values + count);
  const Real begin = *low, end = *high, step = (end - begin) / static_cast<Real>(kHistogramBins);
  std::vector<Real> edges(kHistogramBins);
  for (size_t i = 0; i < edges.size(); ++i) edges[i] = static_cast<Real>(i) * step;
  for (Real& edge : edges) edge += begin;  // apart from the product: a fused multiply-add would round differently
  std::vector<uint8_t> bins(count);
  for (size_t i = 0; i < count; ++i) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), values[i]);
    bins[i] = static_cast<uint8_t>(above - edges.begin() - 1);
  }
  return bins;
}

double entropy(const std::vector<int64_t>& counts, double total) {
  double sum = 0;
  for (const int64_t count : counts) {
    const double share = static_cast<double>(count) / total;
    if (count > 0) sum -= share * std::log(share);
  }
  return sum;
}

double nmi_of_bins(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  constexpr size_t kBins = kHistogramBins;
  std::vector<int64_t> joint(kBins * kBins), of_a(kBins), of_b(kBins);
  for (size_t i = 0; i < a.size(); ++i) {
    ++joint[a[i] * kBins + b[i]];
    ++of_a[a[i]];
    ++of_b[b[i]];
  }
  const double total = static_cast<double>(a.size()), together = entropy(joint, total);
  if (together == 0) return std::numeric_limits<double>::quiet_NaN();
  return (entropy(of_a, total) + entropy(of_b, total)) / together;
}

template <class Real>
double mean_nmi(const Array& a, const Array& b) {
  const int64_t size = a.size(-2) * a.size(-1), planes = a.numel() / size;
  double total = 0;
  for (int64_t plane = 0; plane < planes; ++plane) {
    const auto first = bins_of(a.data<Real>() + plane * size, static_cast<size_t>(size));
    const auto second = bins_of(b.data<Real>() + plane * size, static_cast<size_t>(size));
    if (first.empty() || second.empty()) return std::numeric_limits<double>::quiet_NaN();
    total += nmi_of_bins(first, second);
  }
  return total / static_cast<double>(planes);
}

bool is_narrow(DataType type) { return is_floating_point(type) && type != kFloat64; }

}  // namespace

double nmi(const Array& a, const Array& b) {
  check_image_pair(a, b);
  if (is_narrow(a.type()) && is_narrow(b.type())) return mean_nmi<float>(plain(a, kFloat32), plain(b, kFloat32));
  return mean_nmi<double>(plain(a), plain(b));
}

}  // namespace sscvae::metrics
