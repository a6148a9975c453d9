#include "sscvae/models/sparse_coding_autoencoder.h"

#include <ATen/ops/pixel_unshuffle.h>
#include <torch/csrc/autograd/grad_mode.h>

namespace sscvae::models {

SparseCodingAutoencoder::SparseCodingAutoencoder(const ModelOptions& options, uint64_t seed)
    : BackboneAutoencoder(options, options.sparse_coder.atom_dim) {
  coder_ = register_module("_LISTA", nn::SparseCoder(options.sparse_coder, seed));
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
  if (options().lite.block_skip &&
      options().backbone == Backbone::kLite) {  // what lies beside the networks on both sides is held together directly
    const at::Tensor blocks = at::pixel_unshuffle(images - 0.5, size_multiple());
    result.latent_loss = (coded.coded_features - blocks).square().sum({1}).mean();
  }
  decode_into(result, coded.coded_features);
  return result;
}

at::Tensor SparseCodingAutoencoder::encode(const at::Tensor& images) {
  return coder_->forward(features_of(images)).code;
}

at::Tensor SparseCodingAutoencoder::decode(const at::Tensor& code) { return reconstruct(coded_features(code)); }

at::Tensor SparseCodingAutoencoder::coded_features(const at::Tensor& code) { return coder_->decode(code); }

at::Tensor SparseCodingAutoencoder::dictionary() { return coder_->dictionary(); }

void SparseCodingAutoencoder::after_optimizer_step() { coder_->normalize_dictionary(); }

void SparseCodingAutoencoder::initialize_from(const at::Tensor& images) {
  // Signed thresholds have no start that depends on data: no pass for nothing.
  if (coder_->options().threshold_activation == networks::ThresholdActivation::kSigned) return;
  const at::NoGradGuard no_grad;
  coder_->initialize_thresholds(still_features_of(images));
}

}  // namespace sscvae::models
