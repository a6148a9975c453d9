#pragma once

#include <cstdint>

#include "sscvae/models/autoencoder.h"
#include "sscvae/tasks/report.h"

/// What is said about sparse codes wherever one is made.
namespace sscvae::tasks {

struct CodeStatistics {
  double nnz = 0;                       ///< non-zeros per position, mean over positions
  double zero_fraction = 0;             ///< share of the code that is exactly 0
  double hoyer = 0;                     ///< mean over positions (1: one atom, 0: all equal); all-zero positions count 1
  double fit_error = 0;                 ///< sum ||E - D z||^2 / sum ||E||^2
  double negative_threshold_share = 0;  ///< of all thresholds
  double all_zero_share = 0;            ///< of all positions
  int64_t positions = 0;                ///< of the latent grid, padding and tile overlaps included
};
Json to_json(const CodeStatistics& statistics);

/// Sums over passes; models without a sparse code leave it empty.
class CodeMeter {
 public:
  void add(const models::ForwardResult& result);
  void add(const CodeMeter& other);
  bool empty() const { return positions_ == 0; }
  CodeStatistics value() const;

 private:
  int64_t positions_ = 0, entries_ = 0, thresholds_ = 0;
  double nonzeros_ = 0, hoyer_ = 0, all_zero_ = 0, negative_ = 0, residual_ = 0, energy_ = 0;
};

}  // namespace sscvae::tasks
