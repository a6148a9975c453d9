#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <optional>
#include <span>

#include "sscvae/models/autoencoder.h"
#include "sscvae/networks/convolutional_coder.h"
#include "sscvae/nn/cbam.h"

namespace sscvae::models {

using networks::kRefinementGain;
using networks::kSoftplusOne;

/// Image -> sparse code -> image without encoder and decoder: the dictionary's atoms are small patches that overlap.
/// With x the image minus 1/2, its stride x stride blocks folded into channels, and * a convolution:
///   z_0 = 0,   z_t = shrink(z_{t-1} + A_t * (x - B_t * z_{t-1}), theta_t),   x-hat = W * z_T
///   theta_t = (floor_t + sigma slope_t) M(x, sigma),   one floor and slope >= 0 for each atom
/// A_t, B_t and W are learned apart and start as one tight frame of cosine atoms scaled to norm 1 (and, where more
/// atoms are wanted than there are cosines, sine atoms). sigma is the noise level, estimated from the image
/// (image/noise_level.h) unless it is given. M is the sparsity controller of SSC-VAE: a small network infers a factor
/// for each position and atom, channel and spatial attention refine it; it starts as 1. Sources: Gregor & LeCun 2010;
/// Simon & Elad 2019 (strided convolutional sparse coding); Eqs. 3, 9-11 of the SSC-VAE paper. With attention_scales >
/// 1 that network is U-shaped (Ronneberger et al. 2015): each scale halves the grid and doubles the channels, and what
/// it had on its way down is added on its way up. With shrinkage = grouped an entry passes by the energy of the entries
/// around it and of related atoms (Jenatton et al. 2011; Janjusevic et al. 2022 for unfolded networks):
///   z_t = u max(0, 1 - theta_t / sqrt(E)),   E = s u^2 + C (P * D u^2),   u = z_{t-1} + A_t * (x - B_t * z_{t-1})
/// D [R,K] and C [K,R] mix atoms, P pools each of the R energies over a window; s, C, D and P are learned, >= 0.
///
/// In a ForwardResult, `features` is x and `coded_features` is W * z [N,C stride^2,h,w], h = H / stride; the code has
/// the same grid.
class ConvolutionalCoder : public Autoencoder {
 public:
  /// Errors: UsageError for options that contradict each other.
  ConvolutionalCoder(const ModelOptions& options, uint64_t seed);

  ForwardResult forward(const at::Tensor& images) override;
  at::Tensor encode(const at::Tensor& images) override;
  at::Tensor decode(const at::Tensor& code) override;
  at::Tensor coded_features(const at::Tensor& code) override;
  int64_t size_multiple() const override;
  /// The atoms of W as patches in the image's units [C q^2,K], q = kernel stride.
  at::Tensor dictionary() override;
  at::Tensor last_weight() const override { return output_; }
  int64_t atom_axis(const std::string& parameter) const override;
  /// With unit_ball, atoms longer than 1 in A_t, B_t and W are scaled down to 1.
  void after_optimizer_step() override;

  /// Multiplies all thresholds from now on: the strength knob. Errors: UsageError if negative.
  void set_threshold_scale(double scale);
  double threshold_scale() const { return threshold_scale_; }
  /// The noise level of all images from now on in 8-bit grey levels, or that of each image of a batch; empty: estimate
  /// it in each image.
  void set_noise_levels(std::span<const double> sigma_8bit) {
    sigma_8bit_.assign(sigma_8bit.begin(), sigma_8bit.end());
  }
  /// Levels [N,1,1,1] on the model's device, in the image's units, which each pass reads; undefined: as above.
  void set_noise_level_tensor(const at::Tensor& levels) { levels_ = levels; }
  /// The level of all images that was set, in the image's units.
  std::optional<double> noise_level() const {
    return sigma_8bit_.size() == 1 ? std::optional<double>(sigma_8bit_[0] / 255) : std::nullopt;
  }
  /// Of one iteration: floor and slope of theta = (floor + sigma slope) M, each [K].
  std::pair<at::Tensor, at::Tensor> threshold_lines(int64_t iteration) const;
  /// Of one iteration with grouped shrinkage: s [K], D [R,K], P [R,1,w,w] and C [K,R].
  struct Group {
    at::Tensor own, down, pool, up;
  };
  Group group(int64_t iteration) const;

 private:
  at::Tensor add_parameter(const std::string& name, const at::Tensor& value);
  void add_groups();
  void add_controller();
  struct Coded {
    at::Tensor blocks, inferred, refined, threshold, code;
  };
  Coded code_of(const at::Tensor& images);
  at::Tensor noise_levels(const at::Tensor& images) const;
  at::Tensor controller(at::Tensor x);
  void infer_factors(Coded& coded, const at::Tensor& sigma);
  at::Tensor shrink(const at::Tensor& step, const Coded& coded, const at::Tensor& sigma, int64_t iteration) const;
  at::Tensor reconstruct(const at::Tensor& coded_blocks) const;

  double threshold_scale_ = 1;
  std::vector<double> sigma_8bit_;
  at::Tensor levels_;                             ///< comes before sigma_8bit_
  std::vector<at::Tensor> analysis_, synthesis_;  // A_t [K,C s^2,k,k]; B_t [C s^2,K,k,k] of t = 2, 3, ...
  at::Tensor output_;                             // W
  at::Tensor floor_, slope_;                      // [T,K] or [T,1], before softplus
  at::Tensor frame_scale_;                        // [], what the start was divided by
  at::Tensor own_, down_, up_, pool_;             // s [T,K], D [T,R,K], C [T,K,R], P [T,R,1,w,w], before softplus
  torch::nn::Conv2d stem_{nullptr}, noise_{nullptr}, head_{nullptr};
  std::vector<torch::nn::Sequential> falling_, rising_;  // residual blocks of each scale, finest first
  std::vector<torch::nn::Conv2d> halvings_, doublings_;  // between scale i and i + 1
  nn::Cbam refinement_{nullptr};
};

}  // namespace sscvae::models
