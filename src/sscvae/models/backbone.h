#pragma once

#include <torch/nn/module.h>

#include <functional>

#include "sscvae/models/options.h"
#include "sscvae/nn/blocks.h"
#include "sscvae/nn/recompute.h"

/// Encoders (image -> features) and decoders (features -> logits): what all models share.
namespace sscvae::models {

/// One half of a backbone.
class Backbone2d : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  /// The weight of the last convolution: where gradients of different losses are compared.
  virtual at::Tensor last_weight() const = 0;

  /// From now on the levels are computed once more in the backward pass instead of being kept (nn/recompute.h).
  void set_recompute(bool recompute) { recompute_ = recompute; }

 protected:
  /// part(x), a level of this half.
  at::Tensor level(const std::function<at::Tensor(const at::Tensor&)>& part, const at::Tensor& x) {
    return recompute_ ? nn::recompute(*this, part, x) : part(x);
  }

 private:
  bool recompute_ = false;
};

/// Sets it for all of a model's halves.
void set_recompute(torch::nn::Module& model, bool recompute);

/// The layer behind a convolution that the option names.
nn::Norm norm_of(Normalization normalization);

/// Image [N,C,H,W] -> features [N,d,H/2^n,W/2^n], d = feature_dim.
std::shared_ptr<Backbone2d> make_encoder(const ModelOptions& options, int64_t feature_dim);
/// Features [N,d,h,w] -> logits [N,C,2^n h,2^n w].
std::shared_ptr<Backbone2d> make_decoder(const ModelOptions& options, int64_t feature_dim);

}  // namespace sscvae::models
