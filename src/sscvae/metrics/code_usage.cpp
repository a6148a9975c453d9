#include "sscvae/metrics/code_usage.h"

#include <ATen/ops/bincount.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/core/error.h"

namespace sscvae::metrics {

void CodeUsage::add(const at::Tensor& indices) {
  if (indices.scalar_type() != at::kLong) throw ShapeError("code numbers: expected int64 values");
  if (indices.numel() == 0) return;
  const at::Tensor flat = indices.detach().cpu().flatten();
  if (flat.min().item<int64_t>() < 0 || flat.max().item<int64_t>() >= num_codes())
    throw ShapeError("code numbers: expected 0 to " + std::to_string(num_codes() - 1));
  const at::Tensor counted = at::bincount(flat, {}, num_codes());
  const int64_t* counts = counted.const_data_ptr<int64_t>();
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += counts[i];
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
