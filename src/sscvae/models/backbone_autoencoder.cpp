#include "sscvae/models/backbone_autoencoder.h"

#include <ATen/ops/sigmoid.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/autocast.h"

namespace sscvae::models {

BackboneAutoencoder::BackboneAutoencoder(const ModelOptions& options, int64_t feature_dim)
    : Autoencoder(options), feature_dim_(feature_dim) {
  encoder_ = register_module("_encoder", make_encoder(options, feature_dim));
  decoder_ = register_module("_decoder", make_decoder(options, feature_dim));
}

int64_t BackboneAutoencoder::size_multiple() const { return int64_t{1} << options().down_samples; }

at::Tensor BackboneAutoencoder::last_weight() const { return decoder_->last_weight(); }

at::Tensor BackboneAutoencoder::features_of(const at::Tensor& images) {
  check_shape(images, "images", "N,C,H,W", {-1, options().in_channels, -1, -1});
  const int64_t multiple = size_multiple();
  if (images.size(2) < multiple || images.size(3) < multiple || images.size(2) % multiple || images.size(3) % multiple)
    throw ShapeError(format("images: height and width must be multiples of %lld, got %lldx%lld",
                            static_cast<long long>(multiple), static_cast<long long>(images.size(2)),
                            static_cast<long long>(images.size(3))));
  const at::Tensor features = nn::to_full_precision(encoder_->forward(images));
  if (options().feature_norm == FeatureNorm::kNone) return features;
  return features / (features.square().mean({1}, true) + 1e-6).sqrt();
}

at::Tensor BackboneAutoencoder::still_features_of(const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const bool was_training = is_training();
  eval();
  const at::Tensor features = features_of(images);
  train(was_training);
  return features;
}

void BackboneAutoencoder::decode_into(ForwardResult& result, const at::Tensor& decoder_input) {
  result.logits = nn::to_full_precision(decoder_->forward(decoder_input));
  result.reconstruction =
      options().output == OutputActivation::kSigmoid ? at::sigmoid(result.logits) : result.logits + 0.5;
}

at::Tensor BackboneAutoencoder::reconstruct(const at::Tensor& decoder_input) {
  check_shape(decoder_input, "code", "N,d,h,w", {-1, feature_dim_, -1, -1});
  ForwardResult result;
  decode_into(result, decoder_input);
  return result.reconstruction;
}

}  // namespace sscvae::models
