#pragma once

#include <ATen/core/Tensor.h>

#include "sscvae/networks/vector_quantizer_options.h"

/// Vector quantization with a codebook of K vectors e_k [K,d]: each position's feature vector x is replaced by the
/// nearest one, q = e_argmin |x - e_k|^2. Source: van den Oord et al. 2017, Section 3.2 and Appendix A.1.
namespace sscvae::nn {

/// The quantized form of features [N,d,h,w].
struct NearestCodes {
  at::Tensor indices;    ///< of the nearest codes, int64 [N,h,w]
  at::Tensor quantized;  ///< those codes [N,d,h,w]; its gradient goes to the features as it is (straight-through)
};

/// Errors: ShapeError.
NearestCodes nearest_codes_of(const at::Tensor& features, const at::Tensor& codebook);
/// Codes by number: int64 [N,h,w] -> [N,d,h,w]. Errors: ShapeError; UsageError for numbers outside 0 ... K - 1.
at::Tensor codes_by_number(const at::Tensor& indices, const at::Tensor& codebook);
/// mean (q - sg x)^2 + commitment mean (x - sg q)^2 over all values; sg passes no gradient. With `update = ema` the
/// first term is absent.
at::Tensor codebook_loss(const at::Tensor& features, const at::Tensor& indices, const at::Tensor& codebook,
                         const networks::VectorQuantizerOptions& options);
/// Codes drawn uniformly from [-1/K, 1/K]: [K,d].
at::Tensor uniform_codebook(const networks::VectorQuantizerOptions& options, uint64_t seed);

/// Updates of a codebook outside of the optimizer. After each step, with c_k the share of the step's positions whose
/// code is k and s_k the sum of their features over all positions, divided by their number:
///   usage_k <- decay usage_k + (1 - decay) c_k,   sum_k <- decay sum_k + (1 - decay) s_k,   e_k = sum_k / usage_k
/// (the latter two with `update = ema`). A code with usage_k < revival / K takes the place of a random feature of the
/// step (Dhariwal et al. 2020).
class CodebookUpdates {
 public:
  /// Changes these tensors of a model in place: codes [K,d]; usage [K] and sums [K,d], undefined unless the options
  /// ask for them.
  CodebookUpdates(networks::VectorQuantizerOptions options, uint64_t seed, at::Tensor codebook, at::Tensor usage,
                  at::Tensor sums);
  /// Resets usage and sums to those of equally used codes.
  void restart_statistics();
  /// Starts the codes from features [N,d,h,w] where the options ask for it. k-means: 10 rounds of Lloyd's algorithm
  /// from randomly chosen features. With fewer features than codes, some are used twice, slightly moved. Deterministic
  /// given the seed.
  void initialize(const at::Tensor& features);
  /// Records which codes a training pass used. Takes effect with the next update.
  void observe(const at::Tensor& features, const at::Tensor& indices);
  /// Applies the records since the last update: running means and revival, a function of the records and `seed`.
  void update(uint64_t seed);

 private:
  void revive(uint64_t seed);

  networks::VectorQuantizerOptions options_;
  uint64_t seed_;
  at::Tensor codebook_, usage_, sums_;
  at::Tensor noted_counts_, noted_sums_, noted_rows_;  // since the last update; not part of the state
  int64_t noted_positions_ = 0;
};

}  // namespace sscvae::nn
