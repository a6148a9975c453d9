#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>

#include <vector>

#include "sscvae/models/options.h"
#include "sscvae/networks/patch_discriminator_options.h"

namespace sscvae::models {

using networks::PatchDiscriminatorOptions;

/// Tells real images from reconstructions, patch by patch: `layers` convolutions 4x4 of stride 2 and two of stride 1,
/// with channels, 2 channels, 4 channels, ... (at most 8 channels) and leaky rectifiers of slope 0.2; no normalisation
/// in the first and last one. Three layers see 70x70 pixels. Weights start from N(0, 0.02), a function of `seed`.
/// Shapes: [N,C,H,W] in [-1,1] -> logits [N,1,h,w], h = floor(H / 2^layers) - 2.
/// Source: Isola et al. 2017, Section 6.1.
class PatchDiscriminator : public torch::nn::Module {
 public:
  PatchDiscriminator(int64_t in_channels, const PatchDiscriminatorOptions& options, uint64_t seed);
  at::Tensor forward(const at::Tensor& images);
  /// Errors: ShapeError for images that leave no logit.
  void check_size(const at::Tensor& images) const;

 private:
  void add_layer(int64_t in_channels, int64_t out_channels, int64_t stride, Normalization normalization);
  void draw_weights(uint64_t seed);
  std::vector<torch::nn::Conv2d> convolutions_;
  struct Norm {  // one of them, or none
    torch::nn::BatchNorm2d batch{nullptr};
    torch::nn::GroupNorm group{nullptr};
  };
  std::vector<Norm> norms_;
  int64_t layers_, in_channels_;
};

/// (mean relu(1 - real) + mean relu(1 + fake)) / 2: what the discriminator lowers. Source: Lim & Ye 2017.
at::Tensor hinge_discriminator_loss(const at::Tensor& real_logits, const at::Tensor& fake_logits);
/// -mean fake: what the autoencoder lowers.
at::Tensor hinge_generator_loss(const at::Tensor& fake_logits);

}  // namespace sscvae::models
