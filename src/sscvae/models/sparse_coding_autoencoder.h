#pragma once

#include "sscvae/models/backbone_autoencoder.h"
#include "sscvae/nn/sparse_coder.h"

namespace sscvae::models {

/// image -> encoder -> features -> sparse coder -> coded features -> decoder -> image.
/// SC-VAE, SC-VAE+In and SSC-VAE, by the options of the sparse coder. Despite their names these are deterministic.
class SparseCodingAutoencoder : public BackboneAutoencoder {
 public:
  SparseCodingAutoencoder(const ModelOptions& options, uint64_t seed);

  ForwardResult forward(const at::Tensor& images) override;
  at::Tensor encode(const at::Tensor& images) override;
  at::Tensor decode(const at::Tensor& code) override;
  at::Tensor coded_features(const at::Tensor& code) override;
  at::Tensor dictionary() override;
  void after_optimizer_step() override;
  void initialize_from(const at::Tensor& images) override;

  nn::SparseCoder& sparse_coder() { return coder_; }
  const nn::SparseCoderImpl& sparse_coder() const { return *coder_; }

 private:
  nn::SparseCoder coder_{nullptr};
};

}  // namespace sscvae::models
