#pragma once

#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include "sscvae/models/autoencoder.h"
#include "sscvae/train/adversary.h"
#include "sscvae/train/optimizer.h"

/// Training checkpoints: weights files that also hold everything needed to go on.
namespace sscvae::train {

/// The state of training beside tensors. There is no random state: all randomness is a function of seed and step.
struct TrainingState {
  int64_t step = 0;            ///< finished optimizer steps
  double sparsity_weight = 0;  ///< steered
  double running_loss =
      std::numeric_limits<double>::quiet_NaN();  ///< mean of recent losses, for train.divergence_factor
  double last_loss = std::numeric_limits<double>::quiet_NaN();
  double best_value = -std::numeric_limits<double>::infinity();  ///< validation_score by train.best_by
  int64_t best_step = 0;
  double seconds = 0;               ///< spent in training
  int64_t discriminator_steps = 0;  ///< finished steps of its optimizer
  friend bool operator==(const TrainingState&, const TrainingState&) = default;
};

/// JSON, real numbers as hexadecimal text so that they come back bit for bit.
std::string to_json(const TrainingState& state);
/// Errors: FormatError naming `source`.
TrainingState training_state_from_json(const std::string& json, const std::string& source);

/// What is trained. `average` is the model of averaged weights (EMA), or nullptr; so is an adversary that there is not.
struct TrainedParts {
  models::Autoencoder& model;
  models::Autoencoder* average;
  Optimizer& optimizer;
  Adversary* adversary = nullptr;
};

/// Writes, atomically: under plain names the weights to evaluate with (the average if there is one, else the model);
/// under "training.model.<name>" the model's own weights if there is an average; under "training.adam.<average>.<name>"
/// the optimizer's running averages (exp_avg and exp_avg_sq of Adam, momentum of Muon); under
/// "training.discriminator.<name>" and "training.discriminator_adam.<moment>.<name>" the same of a discriminator.
/// Errors: IoError; the earlier file is then untouched.
void write_checkpoint(const std::filesystem::path& path, const TrainedParts& parts, const TrainingState& state,
                      std::map<std::string, std::string> metadata);

/// Only the weights to evaluate with.
void write_weights(const std::filesystem::path& path, const TrainedParts& parts,
                   const std::map<std::string, std::string>& metadata);

/// Copies a checkpoint into the parts. Errors: IoError; FormatError for damaged or foreign files, weights files without
/// a training state, other models. Parts may be half filled after an error.
TrainingState read_checkpoint(const std::filesystem::path& path, const TrainedParts& parts);

}  // namespace sscvae::train
