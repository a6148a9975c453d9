#pragma once

#include "sscvae/models/autoencoder.h"
#include "sscvae/models/backbone.h"

namespace sscvae::models {

/// What all models share: encoder and decoder of the options' backbone with d = `feature_dim` channels between them,
/// the normalisation of the features and the last step of the decoder. Models differ in what lies in the middle.
class BackboneAutoencoder : public Autoencoder {
 public:
  BackboneAutoencoder(const ModelOptions& options, int64_t feature_dim);

  int64_t size_multiple() const override;
  at::Tensor last_weight() const override;

 protected:
  /// The encoder's features [N,d,h,w] in full precision. Errors: ShapeError.
  at::Tensor features_of(const at::Tensor& images);
  /// The same in eval mode (normalisation statistics do not see it), without gradients.
  at::Tensor still_features_of(const at::Tensor& images);
  /// Decodes [N,d,h,w] into `logits` and `reconstruction`.
  void decode_into(ForwardResult& result, const at::Tensor& decoder_input);
  /// Only the reconstruction. Errors: ShapeError.
  at::Tensor reconstruct(const at::Tensor& decoder_input);

 private:
  std::shared_ptr<Backbone2d> encoder_, decoder_;
  int64_t feature_dim_;
};

}  // namespace sscvae::models
