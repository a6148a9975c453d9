#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>

#include "sscvae/models/options.h"

namespace sscvae::models {

/// Everything a pass through an autoencoder makes. Tensors that a model does not have are undefined.
struct ForwardResult {
  at::Tensor features;              ///< E, the encoder's output [N,d,h,w]
  at::Tensor threshold_inference;   ///< alpha before refinement [N,K,h,w]
  at::Tensor threshold_refinement;  ///< alpha after refinement (what the coder uses), broadcastable to the code
  at::Tensor threshold;             ///< theta = alpha / L, in code units
  at::Tensor code;  ///< z [N,K,h,w] (VQ: the quantized features, VAE: the sample or, in eval mode, the mean [N,d,h,w])
  at::Tensor indices;         ///< VQ only, int64 [N,h,w]
  at::Tensor coded_features;  ///< D z, the decoder's input [N,d,h,w] (VQ: the code; VAE: undefined)
  at::Tensor logits;          ///< decoder output before the output activation [N,C,H,W]
  at::Tensor reconstruction;  ///< x-hat [N,C,H,W]
  at::Tensor mean;            ///< VAE only: of the code's distribution [N,d,h,w]
  at::Tensor log_variance;    ///< VAE only: log of its variance [N,d,h,w]
  at::Tensor latent_loss;  ///< a model's own latent term where the plain one does not apply (VQ, VAE), else undefined

  /// The code where it is a sparse one, else undefined: what non-zeros and Hoyer's figure are about.
  at::Tensor sparse_code() const { return threshold.defined() ? code : at::Tensor(); }
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
  /// D z, what that code says of the features [N,d,h,w]; undefined for a model without a dictionary.
  virtual at::Tensor coded_features(const at::Tensor& code) { return {}; }
  /// H and W must be multiples of this (8 for three down-samplings).
  virtual int64_t size_multiple() const = 0;
  /// The dictionary [d,K] as the coder uses it, or undefined.
  virtual at::Tensor dictionary() { return {}; }
  /// K of a model whose code is one of K vectors at each position, else 0.
  virtual int64_t num_codes() const { return 0; }
  /// The reconstruction of codes by number, int64 [N,h,w] -> [N,C,H,W]. Errors: UsageError for a model without such
  /// codes and for numbers outside 0 ... K - 1; ShapeError.
  virtual at::Tensor decode_indices(const at::Tensor& indices);
  /// The weight of the decoder's last convolution.
  virtual at::Tensor last_weight() const = 0;
  /// The axis that counts atoms in a parameter that is a dictionary of convolution filters; -1 for any other parameter.
  virtual int64_t atom_axis(const std::string& parameter) const { return -1; }

  /// All randomness of the passes and updates that follow is a function of this number. Training sets it before each
  /// pass from train.seed and the step.
  void set_noise_seed(uint64_t seed) { noise_seed_ = seed; }
  /// Called after each training pass with what it made (usage of a codebook).
  virtual void observe(const ForwardResult& result) {}
  /// Called after every optimizer step (renormalises atoms, updates a codebook, where the options ask for it).
  virtual void after_optimizer_step() {}
  /// Called once before training with a first batch (data-dependent initial thresholds and codebooks where the options
  /// ask for it).
  virtual void initialize_from(const at::Tensor& images) {}

 protected:
  uint64_t noise_seed() const { return noise_seed_; }

 private:
  ModelOptions options_;
  uint64_t noise_seed_ = 0;
};

/// image::reflect_pad_to_multiple for tensors [N,C,H,W] of any device, with gradients.
at::Tensor pad_to_multiple(const at::Tensor& images, int64_t multiple);
/// Reconstructs images of any size: reflect-pads to the model's multiple, runs forward, crops every image-sized
/// tensor back. Runs in the model's current mode.
ForwardResult forward_any_size(Autoencoder& model, const at::Tensor& images);
/// The same around any pass for sizes that are multiples of `multiple`.
ForwardResult forward_padded(const at::Tensor& images, int64_t multiple,
                             const std::function<ForwardResult(const at::Tensor&)>& pass);

}  // namespace sscvae::models
