#include "sscvae/models/losses.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/log1p.h>

#include <algorithm>
#include <cmath>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {

namespace {

constexpr double kSteering = 0.05, kPull = 2, kFewestNonzeros = 1e-2, kSmallestWeight = 1e-12;

at::Tensor pixel_error(const at::Tensor& difference, ReconstructionLoss kind) {
  switch (kind) {
    case ReconstructionLoss::kSquared:
      return difference.square();
    case ReconstructionLoss::kAbsolute:
      return difference.abs();
    case ReconstructionLoss::kCharbonnier:
    case ReconstructionLoss::kRms:
      break;
  }
  return (difference.square() + 1e-6).sqrt();
}

at::Tensor reconstruction_term(const at::Tensor& difference, const LossOptions& options) {
  if (options.reconstruction == ReconstructionLoss::kRms)
    return (difference.square().flatten(1).mean(1) + 1e-6).sqrt().mean();
  const at::Tensor error = pixel_error(difference, options.reconstruction);
  return options.reduction == Reduction::kMean ? error.mean() : error.sum() / static_cast<double>(difference.size(0));
}

at::Tensor squared_distance(const at::Tensor& a, const at::Tensor& b) { return (a - b).square().sum({1}).mean(); }

/// The objectives of VAE and VQ-VAE add up pixels and what the code costs: where one is a sum, so is the other. The
/// former's term is a mean over positions, the latter's one over all values of the features.
double counted_in_latent_term(const ForwardResult& result, const LossOptions& options) {
  if (options.reduction != Reduction::kSum) return 1;
  const at::Tensor& variance = result.log_variance;
  if (variance.defined()) return static_cast<double>(variance.size(2) * variance.size(3));
  return result.indices.defined() ? static_cast<double>(result.features.numel() / result.features.size(0)) : 1;
}

at::Tensor latent_term(const ForwardResult& result, const LossOptions& options) {
  if (result.latent_loss.defined()) return result.latent_loss * counted_in_latent_term(result, options);
  if (!result.coded_features.defined()) return {};
  if (options.latent_form == LatentForm::kPlain) return squared_distance(result.coded_features, result.features);
  return squared_distance(result.coded_features, result.features.detach()) +
         options.commitment * squared_distance(result.coded_features.detach(), result.features);
}

at::Tensor sparsity_term(const ForwardResult& result, const LossOptions& options) {
  const at::Tensor magnitude = result.code.abs();
  if (options.sparsity == Sparsity::kRate)
    return at::log1p(magnitude / options.rate_step).sum({1}).mean() / std::log(2.0);
  const at::Tensor& alpha = result.threshold_refinement;
  return ((options.detach_threshold ? alpha.detach() : alpha) * magnitude).sum({1}).mean();
}

/// All but the share of the sparsity term in the total.
Losses terms_of(const ForwardResult& result, const at::Tensor& target, const LossOptions& options) {
  if (result.reconstruction.sizes() != target.sizes())
    throw ShapeError("target: expected the reconstruction's shape " + shape_text(result.reconstruction) + ", got " +
                     shape_text(target));
  Losses losses;
  losses.reconstruction = reconstruction_term(result.reconstruction - target, options);
  losses.total = losses.reconstruction;
  losses.latent = latent_term(result, options);
  if (losses.latent.defined() && options.latent_weight > 0)
    losses.total = losses.total + options.latent_weight * losses.latent;
  if (options.sparsity != Sparsity::kNone && result.threshold_refinement.defined())
    losses.sparsity = sparsity_term(result, options);
  return losses;
}

}  // namespace

Losses compute_losses(const ForwardResult& result, const at::Tensor& target, const LossOptions& options,
                      double sparsity_weight) {
  Losses losses = terms_of(result, target, options);
  if (losses.sparsity.defined()) losses.total = losses.total + sparsity_weight * losses.sparsity;
  return losses;
}

Losses compute_losses(const ForwardResult& result, const at::Tensor& target, const LossOptions& options,
                      const at::Tensor& sparsity_weight) {
  Losses losses = terms_of(result, target, options);
  if (losses.sparsity.defined())
    losses.total = losses.total + sparsity_weight.to(losses.sparsity.scalar_type()) * losses.sparsity;
  return losses;
}

double weight_of_means(const LossOptions& options, const at::Tensor& target) {
  return options.reduction == Reduction::kSum ? static_cast<double>(target.numel() / target.size(0)) : 1;
}

bool is_steered(const LossOptions& options) {
  return options.sparsity == Sparsity::kSteered || options.sparsity == Sparsity::kRate;
}

double steer_sparsity_weight(double weight, double nnz, const LossOptions& options) {
  if (!is_steered(options)) return weight;
  const double pull = std::clamp(std::log(std::max(nnz, kFewestNonzeros) / options.sparsity_target), -kPull, kPull);
  return std::clamp(weight * std::exp(kSteering * pull), kSmallestWeight, options.sparsity_max_weight);
}

at::Tensor steer_sparsity_weight(const at::Tensor& weight, const at::Tensor& nnz, const LossOptions& options) {
  if (!is_steered(options)) return weight;
  const at::Tensor pull = (nnz.clamp_min(kFewestNonzeros) / options.sparsity_target).log().clamp(-kPull, kPull);
  return (weight * (kSteering * pull).exp()).clamp(kSmallestWeight, options.sparsity_max_weight);
}

}  // namespace sscvae::models
