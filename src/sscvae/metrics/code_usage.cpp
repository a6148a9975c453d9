#include "sscvae/metrics/code_usage.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "sscvae/core/error.h"

namespace sscvae::metrics {

void CodeUsage::add(const Array& indices) {
  if (indices.type() != kInt64) throw ShapeError("code numbers: expected int64 values");
  if (indices.numel() == 0) return;
  const Array flat = indices.contiguous();
  const int64_t *first = flat.data<int64_t>(), *last = first + flat.numel();
  if (std::any_of(first, last, [this](int64_t code) { return code < 0 || code >= num_codes(); }))
    throw ShapeError("code numbers: expected 0 to " + std::to_string(num_codes() - 1));
  std::for_each(first, last, [this](int64_t code) { ++counts_[static_cast<size_t>(code)]; });
  positions_ += flat.numel();
}

void CodeUsage::add(const CodeUsage& other) {
  if (counts_.size() < other.counts_.size()) counts_.resize(other.counts_.size());
  for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  positions_ += other.positions_;
}

int64_t CodeUsage::used() const {
  return std::count_if(counts_.begin(), counts_.end(), [](int64_t count) { return count > 0; });
}

double CodeUsage::used_share() const {
  if (positions_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(used()) / static_cast<double>(counts_.size());
}

double CodeUsage::perplexity() const {
  if (positions_ == 0) return std::numeric_limits<double>::quiet_NaN();
  double entropy = 0;
  for (const int64_t count : counts_) {
    const double share = static_cast<double>(count) / static_cast<double>(positions_);
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

}  // namespace sscvae::metrics
