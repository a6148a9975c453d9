#pragma once

#include <torch/nn/module.h>

#include "sscvae/models/model_options.h"

/// Encoders (image -> features) and decoders (features -> logits): what all models share.
namespace sscvae::models {

/// One half of a backbone.
class Backbone2d : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  /// The weight of the last convolution: where gradients of different losses are compared.
  virtual at::Tensor last_weight() const = 0;
};

/// Image [N,C,H,W] -> features [N,d,H/2^n,W/2^n], d = feature_dim.
std::shared_ptr<Backbone2d> make_encoder(const ModelOptions& options, int64_t feature_dim);
/// Features [N,d,h,w] -> logits [N,C,2^n h,2^n w].
std::shared_ptr<Backbone2d> make_decoder(const ModelOptions& options, int64_t feature_dim);

}  // namespace sscvae::models
