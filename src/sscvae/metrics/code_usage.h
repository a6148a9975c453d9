#pragma once

#include <cstdint>
#include <vector>

#include "sscvae/array/array.h"

namespace sscvae::metrics {

/// How often each of K discrete codes occurs.
class CodeUsage {
 public:
  explicit CodeUsage(int64_t num_codes = 0) : counts_(static_cast<size_t>(num_codes)) {}

  /// Counts int64 code numbers of any shape. Errors: ShapeError for other types, or numbers outside 0 ... K - 1.
  void add(const Array& indices);
  void add(const CodeUsage& other);

  int64_t num_codes() const { return static_cast<int64_t>(counts_.size()); }
  int64_t positions() const { return positions_; }
  /// Codes that occurred at all.
  int64_t used() const;
  /// used / K; NaN before any position.
  double used_share() const;
  /// exp(-sum p log p) with p_k the share of code k: K where all occur equally often, 1 where one alone does; NaN
  /// before any position.
  double perplexity() const;

 private:
  std::vector<int64_t> counts_;
  int64_t positions_ = 0;
};

}  // namespace sscvae::metrics
