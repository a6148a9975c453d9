#include "sscvae/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"

namespace sscvae::metrics {

namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(position), above = std::min(below + 1, sorted.size() - 1);
  const double rest = position - static_cast<double>(below);
  if (!std::isfinite(sorted[below]) || !std::isfinite(sorted[above])) return sorted[rest > 0 ? above : below];
  return sorted[below] + rest * (sorted[above] - sorted[below]);
}

void check(const BootstrapOptions& options) {
  if (options.resamples < 1)
    throw UsageError("bootstrap: expected at least 1 resample, got " + std::to_string(options.resamples));
  if (!(options.confidence > 0 && options.confidence < 1))
    throw UsageError("bootstrap: expected a confidence between 0 and 1, got " + to_text(options.confidence));
}

}  // namespace

Interval bootstrap_mean(const std::vector<double>& values, const BootstrapOptions& options) {
  check(options);
  std::vector<double> used;
  std::copy_if(values.begin(), values.end(), std::back_inserter(used), [](double value) { return !std::isnan(value); });
  Interval interval;
  interval.count = static_cast<int64_t>(used.size());
  interval.left_out = static_cast<int64_t>(values.size() - used.size());
  if (used.empty()) {
    interval.mean = interval.low = interval.high = std::numeric_limits<double>::quiet_NaN();
    return interval;
  }
  interval.mean = mean_of(used);
  interval.low = interval.high = std::numeric_limits<double>::quiet_NaN();
  if (used.size() == 1) return interval;
  Random random(derive_seed(options.seed, "bootstrap"));
  std::vector<double> means(static_cast<size_t>(options.resamples)), drawn(used.size());
  for (double& mean : means) {
    for (double& value : drawn) value = used[static_cast<size_t>(random.below(interval.count))];
    mean = mean_of(drawn);
  }
  std::sort(means.begin(), means.end());
  interval.low = quantile(means, (1 - options.confidence) / 2);
  interval.high = quantile(means, (1 + options.confidence) / 2);
  return interval;
}

Interval bootstrap_paired_difference(const std::vector<double>& a, const std::vector<double>& b,
                                     const BootstrapOptions& options) {
  if (a.size() != b.size())
    throw UsageError("bootstrap: expected pairs, got " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                     " values");
  std::vector<double> differences;
  for (size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] == b[i] ? 0 : a[i] - b[i]);
  return bootstrap_mean(differences, options);
}

}  // namespace sscvae::metrics
