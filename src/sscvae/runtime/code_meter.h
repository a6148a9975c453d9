#pragma once

#include <cstdint>

#include <map>
#include <string>

#include "sscvae/array/array.h"
#include "sscvae/graph/pass_values.h"
#include "sscvae/metrics/code_rate.h"
#include "sscvae/metrics/code_usage.h"
#include "sscvae/runtime/model.h"

/// What is said about sparse and discrete codes wherever one is made.
namespace sscvae::runtime {

struct CodeStatistics {
  CodeKind kind = CodeKind::kNone;
  double nnz = 0;                       ///< non-zeros per position, mean over positions
  double zero_fraction = 0;             ///< share of the code that is exactly 0
  double hoyer = 0;                     ///< mean over positions (1: one atom, 0: all equal); all-zero positions count 1
  double fit_error = 0;                 ///< sum ||E - D z||^2 / sum ||E||^2
  double negative_threshold_share = 0;  ///< of all thresholds
  double all_zero_share = 0;            ///< of all positions
  double codes_used = 0;                ///< share of the codebook that occurs (discrete codes)
  double perplexity = 0;                ///< see metrics::CodeUsage (discrete codes)
  double kl_bits = 0;                   ///< divergence from N(0,1) per position, mean: what a Gaussian code may carry
  int64_t positions = 0;                ///< of the latent grid, padding included
};
/// The figures that codes of that kind have, by name. Sparse: nnz, zero_fraction, hoyer, fit_error,
/// negative_threshold_share, all_zero_share; discrete: codes_used, perplexity, fit_error; Gaussian: kl_bits.
std::map<std::string, double> figures_of(const CodeStatistics& statistics);

/// Sums over passes.
class CodeMeter {
 public:
  /// With a code_step > 0 the entries of sparse codes are counted as multiples of it.
  explicit CodeMeter(int64_t num_codes = 0, double code_step = 0) : usage_(num_codes), code_step_(code_step) {}
  void add(const graph::PassValues& result);
  void add(const CodeMeter& other);
  bool empty() const { return positions_ == 0; }
  CodeStatistics value() const;
  const metrics::CodeUsage& usage() const { return usage_; }
  /// Of discrete codes, and of sparse ones with a code_step.
  const metrics::SymbolCounts& symbols() const { return symbols_; }

 private:
  void add_sparse(const graph::PassValues& result, const Array& code);
  CodeKind kind_ = CodeKind::kNone;
  metrics::CodeUsage usage_;
  metrics::SymbolCounts symbols_;
  double code_step_;
  int64_t positions_ = 0, entries_ = 0, thresholds_ = 0;
  double nonzeros_ = 0, hoyer_ = 0, all_zero_ = 0, negative_ = 0, residual_ = 0, energy_ = 0, divergence_ = 0;
};

}  // namespace sscvae::runtime
