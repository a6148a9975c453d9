#pragma once

#include <torch/nn/modules/conv.h>

#include "sscvae/models/backbone_autoencoder.h"

namespace sscvae::models {

/// The divergence of N(mean, exp(log_variance)) from the standard normal: sum over the d variables of a position of
///   (mean^2 + exp(log_variance) - 1 - log_variance) / 2,
/// mean over positions and images. Shapes: [N,d,h,w] -> scalar. Source: Kingma & Welling 2014, Appendix B.
at::Tensor gaussian_divergence(const at::Tensor& mean, const at::Tensor& log_variance);

/// image -> encoder -> features -> mean and log-variance (a 1x1 convolution) -> sample -> decoder -> image.
/// In train mode the code is mean + exp(log_variance / 2) n with n standard normal, a function of set_noise_seed()
/// alone and the same on every device; in eval mode it is the mean. The latent term is kl_weight times the divergence
/// above; log-variances are kept within [-30, 20]. Source: Kingma & Welling 2014.
class VariationalAutoencoder : public BackboneAutoencoder {
 public:
  explicit VariationalAutoencoder(const ModelOptions& options);

  ForwardResult forward(const at::Tensor& images) override;
  /// The mean, or in train mode a sample [N,d,h,w].
  at::Tensor encode(const at::Tensor& images) override;
  at::Tensor decode(const at::Tensor& code) override;

 private:
  void infer(const at::Tensor& images, ForwardResult& result);
  torch::nn::Conv2d posterior_{nullptr};
};

}  // namespace sscvae::models
