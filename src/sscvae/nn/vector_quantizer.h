#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "sscvae/networks/vector_quantizer_options.h"

namespace sscvae::nn {

using networks::CodebookInit;
using networks::CodebookUpdate;
using networks::VectorQuantizerOptions;

/// What the quantizer makes of features [N,d,h,w].
struct VectorQuantizerResult {
  at::Tensor indices;    ///< of the nearest codes, int64 [N,h,w]
  at::Tensor quantized;  ///< those codes [N,d,h,w]; its gradient goes to the features as it is (straight-through)
  at::Tensor loss;       ///< scalar, see VectorQuantizer
};

/// A codebook of K vectors e_k; each position's feature vector x is replaced by the nearest one, q = e_argmin |x -
/// e_k|^2.
///   loss = mean (q - sg x)^2 + commitment mean (x - sg q)^2      over all values; sg passes no gradient
/// With `update = ema` the first term is absent and the codes follow their features instead. After each step, with c_k
/// the share of the step's positions whose code is k and s_k the sum of their features over all positions, divided by
/// their number:
///   usage_k <- decay usage_k + (1 - decay) c_k,   sum_k <- decay sum_k + (1 - decay) s_k,   e_k = sum_k / usage_k
/// A code with usage_k < revival / K takes the place of a random feature of the step.
/// Codes, usage and sums are parameters and buffers: `embedding.weight` [K,d] (a buffer under ema), `usage` [K] (with
/// ema or revival), `sums` [K,d] (ema). Runs in fp32 inside a bf16 network. Source: van den Oord et al. 2017,
/// Section 3.2 and Appendix A.1; revival: Dhariwal et al. 2020.
class VectorQuantizerImpl : public torch::nn::Module {
 public:
  VectorQuantizerImpl(VectorQuantizerOptions options, uint64_t seed);

  /// Errors: ShapeError.
  VectorQuantizerResult forward(const at::Tensor& features);
  /// Codes by number: int64 [N,h,w] -> [N,d,h,w]. Errors: ShapeError; UsageError for numbers outside 0 ... K - 1.
  at::Tensor lookup(const at::Tensor& indices) const;
  /// [K,d].
  at::Tensor codebook() const { return codebook_->weight; }
  const VectorQuantizerOptions& options() const { return options_; }

  /// Starts the codes from features where the options ask for it. k-means: 10 rounds of Lloyd's algorithm from randomly
  /// chosen features. With fewer features than codes, some are used twice, slightly moved. Deterministic given the
  /// seed.
  void initialize_codebook(const at::Tensor& features);
  /// Notes what a training pass used. Nothing changes before update_codebook.
  void observe(const at::Tensor& features, const at::Tensor& indices);
  /// Applies what was noted since the last update: running means and revival, a function of the notes and of `seed`.
  void update_codebook(uint64_t seed);

 private:
  at::Tensor codes_of(const at::Tensor& indices) const;  ///< lookup without its checks, which wait for a device
  struct Codebook : public torch::nn::Module {
    at::Tensor weight;
  };
  at::Tensor nearest(const at::Tensor& rows) const;
  void restart_statistics();
  void revive(uint64_t seed);

  VectorQuantizerOptions options_;
  uint64_t seed_;
  std::shared_ptr<Codebook> codebook_;
  at::Tensor usage_, sums_;
  at::Tensor noted_counts_, noted_sums_, noted_rows_;  // since the last update; not part of the state
  int64_t noted_positions_ = 0;
};
TORCH_MODULE(VectorQuantizer);

}  // namespace sscvae::nn
