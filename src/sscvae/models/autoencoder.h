#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "sscvae/models/model_options.h"

namespace sscvae::models {

/// Everything a pass through an autoencoder makes. Tensors that a model does not have are undefined.
struct ForwardResult {
  at::Tensor features;              ///< E, the encoder's output [N,d,h,w]
  at::Tensor threshold_inference;   ///< alpha before refinement [N,K,h,w]
  at::Tensor threshold_refinement;  ///< alpha after refinement (what the coder uses), broadcastable to the code
  at::Tensor threshold;             ///< theta = alpha / L, in code units
  at::Tensor code;                  ///< z [N,K,h,w] (VQ: the quantized features [N,d,h,w])
  at::Tensor indices;               ///< VQ only, int64 [N,h,w]
  at::Tensor coded_features;        ///< D z, the decoder's input [N,d,h,w]
  at::Tensor logits;                ///< decoder output before the output activation [N,C,H,W]
  at::Tensor reconstruction;        ///< x-hat [N,C,H,W]
  at::Tensor latent_loss;           ///< a model's own latent term where the plain one does not apply (VQ), else undefined
};

/// An image -> code -> image model. Images are float [N,C,H,W] in [0,1]; H and W must be multiples of size_multiple().
class Autoencoder : public torch::nn::Module {
 public:
  explicit Autoencoder(ModelOptions options) : options_(std::move(options)) {}
  const ModelOptions& options() const { return options_; }

  /// Errors: ShapeError for a wrong rank, channel count or size.
  virtual ForwardResult forward(const at::Tensor& images) = 0;
  /// The code of images [N,K,h,w].
  virtual at::Tensor encode(const at::Tensor& images) = 0;
  /// The reconstruction of a code [N,C,H,W].
  virtual at::Tensor decode(const at::Tensor& code) = 0;
  /// H and W must be multiples of this (8 for three down-samplings).
  virtual int64_t size_multiple() const = 0;
  /// The dictionary [d,K] as the coder uses it, or undefined.
  virtual at::Tensor dictionary() { return {}; }
  /// Called after every optimizer step (renormalises atoms where the options ask for it).
  virtual void after_optimizer_step() {}
  /// Called once before training with a first batch (data-dependent initial thresholds where the options ask for it).
  virtual void initialize_from(const at::Tensor& images) {}

 private:
  ModelOptions options_;
};

/// Reconstructs images of any size: reflect-pads to the model's multiple, runs forward, crops every image-sized
/// tensor back. Runs in the model's current mode.
ForwardResult forward_any_size(Autoencoder& model, const at::Tensor& images);

}  // namespace sscvae::models
