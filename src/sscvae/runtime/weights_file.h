#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sscvae/runtime/model.h"
#include "sscvae/serialization/state_dict.h"

/// Weights files: safetensors whose metadata says everything needed to run them.
namespace sscvae::runtime {

/// Metadata keys.
inline constexpr char kConfigKey[] = "sscvae.config";  ///< resolved configuration, TOML
inline constexpr char kVersionKey[] = "sscvae.version";
inline constexpr char kProfileKey[] = "sscvae.profile";
inline constexpr char kDataKey[] = "sscvae.data";        ///< JSON: name, split, hash
inline constexpr char kMetricsKey[] = "sscvae.metrics";  ///< JSON
inline constexpr char kNoveltyKey[] = "sscvae.novelty";  ///< JSON: what usual codes look like
// Of training checkpoints only.
inline constexpr char kTrainingStateKey[] = "sscvae.training";       ///< JSON (train/checkpoint.h)
inline constexpr char kCircumstancesKey[] = "sscvae.circumstances";  ///< JSON (train/circumstances.h)

/// Tensors of a training checkpoint that are no weights (optimizer, raw weights beside EMA) start with this.
inline constexpr char kTrainingPrefix[] = "training.";
bool is_training_tensor(const std::string& name);

/// A tensor that a state is expected to have: its name, and shape and type.
using Expected = std::pair<std::string, Array>;
/// Errors: FormatError naming `source` and the first tensor that is missing, unexpected (with the nearest name),
/// misshapen or not finite. Tensors of training may be there.
void check_state(const std::vector<Expected>& expected, const serialization::StateDict& state,
                 const std::string& source);

/// A model of these options that holds the state. The size of the model is compared with that of the state first: a
/// configuration that claims more is refused before memory is taken for it. Errors: FormatError as check_state;
/// UsageError for options that make no sense.
Model model_from_state(const networks::ModelOptions& options, const serialization::StateDict& state,
                       const std::string& source);

struct LoadedModel {
  Model model;
  std::map<std::string, std::string> metadata;
  std::string sha256;  ///< of the file
};

/// Errors: IoError, FormatError (damaged, foreign, or without a configuration).
LoadedModel load_weights(const std::filesystem::path& path);

/// The "model." part of a weights file's configuration. Errors: FormatError.
networks::ModelOptions model_options_of(const std::map<std::string, std::string>& metadata, const std::string& source);

/// Guesses model kind and sizes from an authors' state dict (key names and shapes) in the `reference` profile; vq-gan
/// only where `defaults` is one, as its keys are those of vq-vae. What shapes do not tell (iterations T, group count,
/// attention) is taken from `defaults`.
networks::ModelOptions infer_model_options(const serialization::StateDict& state, networks::ModelOptions defaults,
                                           const std::string& source);

}  // namespace sscvae::runtime
