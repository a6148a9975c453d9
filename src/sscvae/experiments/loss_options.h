#pragma once

#include "sscvae/core/options.h"

/// The options of the training objective (models/losses.h): reconstruction + latent + sparsity terms.
namespace sscvae::experiments {

enum class ReconstructionLoss { kSquared, kAbsolute, kCharbonnier, kRms };
enum class Reduction { kMean, kSum };
enum class LatentForm { kPlain, kCommitment };
enum class Sparsity { kNone, kL1, kSteered, kRate };

struct LossOptions {
  ReconstructionLoss reconstruction = ReconstructionLoss::kSquared;
  Reduction reduction = Reduction::kMean;
  LatentForm latent_form = LatentForm::kPlain;
  double latent_weight = 0.0;
  double commitment = 0.25;
  Sparsity sparsity = Sparsity::kSteered;
  double sparsity_weight = 1e-4;
  double sparsity_target = 16;
  double sparsity_max_weight = 1e-2;
  double rate_step = 0.02;
  bool detach_threshold = true;
  void describe(FieldList& fields);
};

}  // namespace sscvae::experiments

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::ReconstructionLoss>() {
  static const std::vector<std::string> names{"squared", "absolute", "charbonnier", "rms"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::Reduction>() {
  static const std::vector<std::string> names{"mean", "sum"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::LatentForm>() {
  static const std::vector<std::string> names{"plain", "commitment"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::Sparsity>() {
  static const std::vector<std::string> names{"none", "l1", "steered", "rate"};
  return names;
}
