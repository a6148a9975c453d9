#pragma once

#include "sscvae/models/backbone_autoencoder.h"
#include "sscvae/nn/vector_quantizer.h"

namespace sscvae::models {

/// image -> encoder -> features -> nearest codes of a codebook -> decoder -> image: VQ-VAE, and the autoencoder of
/// VQ-GAN. In the authors' form (`model.quantizer.update = gradient`) the state dict has their names
/// (`_vq_layer.embedding.weight`). The latent term is the quantizer's own loss. Source: van den Oord, Vinyals,
/// Kavukcuoglu 2017; Esser, Rombach, Ommer 2021.
class VectorQuantizedAutoencoder : public BackboneAutoencoder {
 public:
  VectorQuantizedAutoencoder(const ModelOptions& options, uint64_t seed);

  ForwardResult forward(const at::Tensor& images) override;
  /// The quantized features [N,d,h,w].
  at::Tensor encode(const at::Tensor& images) override;
  /// Of any [N,d,h,w]; nothing is snapped to the codebook.
  at::Tensor decode(const at::Tensor& code) override;
  at::Tensor decode_indices(const at::Tensor& indices) override;
  int64_t num_codes() const override;
  void observe(const ForwardResult& result) override;
  void after_optimizer_step() override;
  void initialize_from(const at::Tensor& images) override;

 private:
  nn::VectorQuantizer quantizer_{nullptr};
};

}  // namespace sscvae::models
