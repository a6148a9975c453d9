#include "sscvae/train/adversary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/train/precision.h"

namespace sscvae::train {

namespace {

constexpr double kSmallestNorm = 1e-4;

/// The discriminator's parameters take no gradients while it lives: the autoencoder's pass only goes through them.
class Frozen {
 public:
  explicit Frozen(torch::nn::Module& module) : parameters_(module.parameters()) {
    for (at::Tensor& parameter : parameters_) parameter.set_requires_grad(false);
  }
  ~Frozen() {
    for (at::Tensor& parameter : parameters_) parameter.set_requires_grad(true);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  std::vector<at::Tensor> parameters_;
};

at::Tensor as_colour(const at::Tensor& images) {
  return 2 * (images.size(1) == 3 ? images : images.expand({-1, 3, -1, -1})) - 1;
}

void add_share(at::Tensor& sum, const at::Tensor& value, double share) {
  const at::Tensor part = value.detach().to(at::kDouble) * share;
  sum = sum.defined() ? sum + part : part;
}

double number_or_nan(const at::Tensor& scalar) {
  return scalar.defined() ? scalar.item<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Adversary::Adversary(const AdversarialOptions& options, int64_t in_channels, uint64_t seed, c10::Device device,
                     bool bf16, PerceptualDistance perceptual)
    : options_(options), device_(device), bf16_(bf16), perceptual_(std::move(perceptual)) {
  if (options_.perceptual_weight > 0 && !perceptual_)
    throw UsageError("train.adversarial.perceptual_weight: there is no perceptual distance here; set it to 0");
  if (options_.weight <= 0) return;
  discriminator_ = std::make_shared<models::PatchDiscriminator>(in_channels, options_.discriminator, seed);
  discriminator_->to(device_);
  discriminator_->train();
  adam_ =
      std::make_unique<Adam>(named_parameters(*discriminator_), AdamOptions{options_.beta1, options_.beta2, 1e-8, 0});
}

void Adversary::begin_step(int64_t step) {
  active_ = discriminator_ && step > options_.start;
  sums_ = {};
  if (adam_) adam_->clear_gradients();
}

at::Tensor Adversary::logits(const at::Tensor& images) {
  const AutocastScope autocast(device_, bf16_);
  return nn::to_full_precision(discriminator_->forward(2 * images - 1));
}

at::Tensor Adversary::adaptive_weight(const at::Tensor& last_weight, const at::Tensor& quality,
                                      const at::Tensor& deception, double unit) const {
  if (!options_.adaptive) return at::full({}, unit, deception.options().dtype(at::kDouble));
  const auto norm = [&](const at::Tensor& loss) {
    return torch::autograd::grad({loss}, {last_weight}, {}, true)[0].norm().to(at::kDouble);
  };
  return (norm(quality) / (norm(deception) + kSmallestNorm)).clamp_max(options_.max_adaptive * unit).detach();
}

at::Tensor Adversary::generator_term(const models::Autoencoder& model, const at::Tensor& reconstruction,
                                     const at::Tensor& target, const at::Tensor& pixel_loss, double share,
                                     double unit) {
  at::Tensor term, quality = pixel_loss;
  if (options_.perceptual_weight > 0) {
    const at::Tensor distance = perceptual_(as_colour(reconstruction), as_colour(target)).mean();
    add_share(sums_.perceptual, distance, share);
    term = options_.perceptual_weight * unit * distance;
    quality = quality + term;
  }
  if (!active_) return term;
  at::Tensor deception;
  {
    const Frozen frozen(*discriminator_);
    deception = models::hinge_generator_loss(logits(reconstruction));
  }
  const at::Tensor lambda = adaptive_weight(model.last_weight(), quality, deception, unit);
  add_share(sums_.adversarial, deception, share);
  add_share(sums_.adaptive_weight, lambda, share);
  const at::Tensor adversarial = (options_.weight * lambda).to(deception.scalar_type()) * deception;
  return term.defined() ? term + adversarial : adversarial;
}

void Adversary::learn(const at::Tensor& reconstruction, const at::Tensor& target, double share) {
  if (!active_) return;
  const at::Tensor loss = models::hinge_discriminator_loss(logits(target), logits(reconstruction.detach()));
  add_share(sums_.discriminator, loss, share);
  (loss * share).backward();
}

AdversaryFigures Adversary::figures() const {
  return {number_or_nan(sums_.perceptual), number_or_nan(sums_.adversarial), number_or_nan(sums_.adaptive_weight),
          number_or_nan(sums_.discriminator)};
}

std::string Adversary::first_bad_gradient() const {
  if (!active_) return "";
  for (const auto& [name, parameter] : adam_->parameters())
    if (parameter.grad().defined() && !parameter.grad().isfinite().all().item<bool>())
      return "gradient of the discriminator's '" + name + "'";
  return "";
}

void Adversary::finish_step(double learning_rate) {
  if (active_) adam_->step(options_.learning_rate * learning_rate);
}

}  // namespace sscvae::train
