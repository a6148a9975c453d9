#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <limits>
#include <memory>

#include "sscvae/models/autoencoder.h"
#include "sscvae/models/patch_discriminator.h"
#include "sscvae/train/optimizer.h"
#include "sscvae/train/options.h"

namespace sscvae::train {

/// A differentiable distance of colour images: two [N,3,H,W] in [-1,1] -> [N].
using PerceptualDistance = std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

/// What one step saw of it: means over the accumulated batches, NaN for what was not in use.
struct AdversaryFigures {
  double perceptual = std::numeric_limits<double>::quiet_NaN();
  double adversarial = std::numeric_limits<double>::quiet_NaN();      ///< the generator's hinge term
  double adaptive_weight = std::numeric_limits<double>::quiet_NaN();  ///< lambda
  double discriminator = std::numeric_limits<double>::quiet_NaN();    ///< the discriminator's loss
};

/// The opponent of an autoencoder in training, with an optimizer of its own. For a step after `start` finished ones:
///   quality   = reconstruction term + perceptual_weight mean P(x^, x)
///   lambda    = min(|grad quality| / (|grad g| + 1e-4), max_adaptive), gradients towards the decoder's last weight; 1
///   where
///               not adaptive
///   objective = total + perceptual_weight mean P(x^, x) + weight lambda g,   g = -mean D(x^)
/// and then the discriminator D learns its hinge loss from x and x^ of the same pass. Before, only P counts.
/// D sees 2 x - 1; P sees grey images with their channel repeated. Source: Esser, Rombach, Ommer 2021, Eqs. 5-7.
class Adversary {
 public:
  /// `perceptual` is needed where perceptual_weight > 0. Errors: UsageError without it.
  Adversary(const AdversarialOptions& options, int64_t in_channels, uint64_t seed, c10::Device device, bool bf16,
            PerceptualDistance perceptual);
  /// Is there anything to do?
  static bool is_wanted(const AdversarialOptions& options) {
    return options.weight > 0 || options.perceptual_weight > 0;
  }

  /// Before the batches of a step, counted from 1.
  void begin_step(int64_t step);
  /// What is added to the objective of a batch that makes up `share` of the step; undefined: nothing. `unit` is
  /// models::weight_of_means: what P, the cap and a lambda that is not adaptive are multiplied by.
  at::Tensor generator_term(const models::Autoencoder& model, const at::Tensor& reconstruction,
                            const at::Tensor& target, const at::Tensor& pixel_loss, double share, double unit = 1);
  /// The discriminator's gradients of that batch.
  void learn(const at::Tensor& reconstruction, const at::Tensor& target, double share);
  /// "" or the first gradient that is not finite. Waits for the device.
  std::string first_bad_gradient() const;
  /// One step of the discriminator's Adam, where it is in use.
  void finish_step(double learning_rate);

  /// Waits for the device.
  AdversaryFigures figures() const;
  /// nullptr without a discriminator.
  models::PatchDiscriminator* discriminator() { return discriminator_.get(); }
  Adam* adam() { return adam_.get(); }

 private:
  at::Tensor logits(const at::Tensor& images);
  at::Tensor adaptive_weight(const at::Tensor& last_weight, const at::Tensor& quality, const at::Tensor& deception,
                             double unit) const;

  AdversarialOptions options_;
  c10::Device device_;
  bool bf16_, active_ = false;
  PerceptualDistance perceptual_;
  std::shared_ptr<models::PatchDiscriminator> discriminator_;
  std::unique_ptr<Adam> adam_;
  /// Float64 scalars on the device, as AdversaryFigures; undefined for what was not in use.
  struct Sums {
    at::Tensor perceptual, adversarial, adaptive_weight, discriminator;
  };
  Sums sums_;
};

}  // namespace sscvae::train
