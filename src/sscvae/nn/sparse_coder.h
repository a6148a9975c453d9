#pragma once

#include <torch/nn/pimpl.h>

#include "sscvae/networks/sparse_coder_options.h"
#include "sscvae/nn/blocks.h"
#include "sscvae/nn/cbam.h"

namespace sscvae::nn {

using networks::DictionaryInit;
using networks::InitialCode;
using networks::Iteration;
using networks::Lipschitz;
using networks::SparseCoderOptions;
using networks::SpatialInput;
using networks::ThresholdActivation;
using networks::ThresholdKind;
using networks::ThresholdRefinement;

/// What the sparse coder makes of features. Maps are [N,*,h,w].
struct SparseCoderResult {
  at::Tensor threshold_inference;   ///< alpha as inferred, before attention; undefined unless thresholds are inferred
  at::Tensor threshold_refinement;  ///< alpha used by the coder, broadcastable to the code
  at::Tensor threshold;             ///< theta = alpha / (2 q L), q the quadratic factor (1/2: alpha / L)
  at::Tensor code;                  ///< z [N,K,h,w]
  at::Tensor coded_features;        ///< D z [N,d,h,w]
};

/// The bottleneck of SC-VAE, SC-VAE+In and SSC-VAE: a dictionary, a sparsity controller that sets the thresholds, and
/// unfolded shrinkage iterations. Which of the three it is, is a matter of options:
///   scalar, per-atom or per-position learned thresholds  -> SC-VAE
///   thresholds inferred from the features by a small network -> SC-VAE+In
///   ... and refined by channel and spatial attention (CBAM)  -> SSC-VAE
/// Parameters carry the names of the authors' files (_Dict, _L, _alpha, _conv, _res1, _res2, _cbam).
/// Runs in fp32 inside a bf16 network. Tied iterations on float32 tensors go through `lista_fused` where that pays: on
/// the CPU for at least 256 positions and 4 steps, on a GPU with kernels always. Source: Eqs. 1-11 of the SSC-VAE
/// paper.
class SparseCoderImpl : public torch::nn::Module {
 public:
  /// Errors: UsageError for options that contradict each other.
  SparseCoderImpl(SparseCoderOptions options, uint64_t seed);

  /// Shapes: features [N,d,h,w]. Errors: ShapeError.
  SparseCoderResult forward(const at::Tensor& features);
  /// D z. Shapes: code [N,K,h,w] -> [N,d,h,w].
  at::Tensor decode(const at::Tensor& code);

  /// The dictionary in use [d,K] (atoms normalised where the options ask for it).
  at::Tensor dictionary() const;
  /// L: the trained scalar, or lipschitz_margin times the largest eigenvalue of D^T D.
  at::Tensor lipschitz() const;

  /// Chooses the initial thresholds so that a share of initial_survivors of the first correlations D^T E exceeds them.
  /// No effect on signed thresholds (they have no offset).
  void initialize_thresholds(const at::Tensor& features);
  /// Projects atoms back to unit length where the options ask for it.
  void normalize_dictionary();

  /// Multiplies all thresholds from now on (1 = as trained): the strength knob. Errors: UsageError if negative.
  void set_threshold_scale(double scale);
  double threshold_scale() const { return threshold_scale_; }
  /// Iterates by plain operations everywhere: the same within rounding, slower, and visible to whoever counts
  /// operations.
  void set_plain_iterations(bool plain) { plain_iterations_ = plain; }
  bool plain_iterations() const { return plain_iterations_; }
  const SparseCoderOptions& options() const { return options_; }

 private:
  struct Thresholds {
    at::Tensor inferred, refined;
  };
  void register_thresholds();
  void register_free_weights(uint64_t seed);
  Thresholds thresholds(const at::Tensor& features);
  at::Tensor activate(const at::Tensor& raw) const;
  at::Tensor iterate(const at::Tensor& rows, const at::Tensor& dictionary, const at::Tensor& lipschitz,
                     const at::Tensor& threshold) const;

  SparseCoderOptions options_;
  double threshold_scale_ = 1.0;
  bool plain_iterations_ = false;
  at::Tensor dictionary_, lipschitz_, alpha_, offset_;
  std::vector<at::Tensor> filters_, inhibitions_;  // untied: one pair; per-layer: one for each iteration
  torch::nn::Conv2d convolution_{nullptr};
  ResidualBlock residual_1_{nullptr}, residual_2_{nullptr};
  Cbam refinement_{nullptr};
};
TORCH_MODULE(SparseCoder);

}  // namespace sscvae::nn
