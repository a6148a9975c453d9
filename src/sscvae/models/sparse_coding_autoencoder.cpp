#include "sscvae/models/sparse_coding_autoencoder.h"

#include <ATen/ops/sigmoid.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/autocast.h"

namespace sscvae::models {

SparseCodingAutoencoder::SparseCodingAutoencoder(const ModelOptions& options, uint64_t seed) : Autoencoder(options) {
  encoder_ = register_module("_encoder", make_encoder(options));
  decoder_ = register_module("_decoder", make_decoder(options));
  coder_ = register_module("_LISTA", nn::SparseCoder(options.sparse_coder, seed));
}

int64_t SparseCodingAutoencoder::size_multiple() const { return int64_t{1} << options().down_samples; }

at::Tensor SparseCodingAutoencoder::features_of(const at::Tensor& images) {
  check_shape(images, "images", "N,C,H,W", {-1, options().in_channels, -1, -1});
  const int64_t multiple = size_multiple();
  if (images.size(2) < multiple || images.size(3) < multiple || images.size(2) % multiple || images.size(3) % multiple)
    throw ShapeError(format("images: height and width must be multiples of %lld, got %lldx%lld", static_cast<long long>(multiple),
                            static_cast<long long>(images.size(2)), static_cast<long long>(images.size(3))));
  const at::Tensor features = nn::to_full_precision(encoder_->forward(images));
  if (options().feature_norm == FeatureNorm::kNone) return features;
  return features / (features.square().mean({1}, true) + 1e-6).sqrt();
}

at::Tensor SparseCodingAutoencoder::activate(const at::Tensor& logits) const {
  return options().output == OutputActivation::kSigmoid ? at::sigmoid(logits) : logits + 0.5;
}

ForwardResult SparseCodingAutoencoder::forward(const at::Tensor& images) {
  ForwardResult result;
  result.features = features_of(images);
  nn::SparseCoderResult coded = coder_->forward(result.features);
  result.threshold_inference = coded.threshold_inference;
  result.threshold_refinement = coded.threshold_refinement;
  result.threshold = coded.threshold;
  result.code = coded.code;
  result.coded_features = coded.coded_features;
  result.logits = nn::to_full_precision(decoder_->forward(coded.coded_features));
  result.reconstruction = activate(result.logits);
  return result;
}

at::Tensor SparseCodingAutoencoder::encode(const at::Tensor& images) { return coder_->forward(features_of(images)).code; }

at::Tensor SparseCodingAutoencoder::decode(const at::Tensor& code) {
  return activate(nn::to_full_precision(decoder_->forward(coder_->decode(code))));
}

at::Tensor SparseCodingAutoencoder::dictionary() { return coder_->dictionary(); }

void SparseCodingAutoencoder::after_optimizer_step() { coder_->normalize_dictionary(); }

void SparseCodingAutoencoder::initialize_from(const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const bool was_training = is_training();
  eval();  // BatchNorm statistics must not see this pass
  coder_->initialize_thresholds(features_of(images));
  train(was_training);
}

}  // namespace sscvae::models
