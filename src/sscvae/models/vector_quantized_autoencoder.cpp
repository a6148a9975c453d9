#include "sscvae/models/vector_quantized_autoencoder.h"

namespace sscvae::models {

VectorQuantizedAutoencoder::VectorQuantizedAutoencoder(const ModelOptions& options, uint64_t seed)
    : BackboneAutoencoder(options, options.quantizer.code_dim) {
  quantizer_ = register_module("_vq_layer", nn::VectorQuantizer(options.quantizer, seed));
}

ForwardResult VectorQuantizedAutoencoder::forward(const at::Tensor& images) {
  ForwardResult result;
  result.features = features_of(images);
  const nn::VectorQuantizerResult coded = quantizer_->forward(result.features);
  result.indices = coded.indices;
  result.code = result.coded_features = coded.quantized;
  result.latent_loss = coded.loss;
  decode_into(result, coded.quantized);
  return result;
}

at::Tensor VectorQuantizedAutoencoder::encode(const at::Tensor& images) {
  return quantizer_->forward(features_of(images)).quantized;
}

at::Tensor VectorQuantizedAutoencoder::decode(const at::Tensor& code) { return reconstruct(code); }

at::Tensor VectorQuantizedAutoencoder::decode_indices(const at::Tensor& indices) {
  return reconstruct(quantizer_->lookup(indices));
}

int64_t VectorQuantizedAutoencoder::num_codes() const { return options().quantizer.num_codes; }

void VectorQuantizedAutoencoder::observe(const ForwardResult& result) {
  quantizer_->observe(result.features, result.indices);
}

void VectorQuantizedAutoencoder::after_optimizer_step() { quantizer_->update_codebook(noise_seed()); }

void VectorQuantizedAutoencoder::initialize_from(const at::Tensor& images) {
  quantizer_->initialize_codebook(still_features_of(images));
}

}  // namespace sscvae::models
