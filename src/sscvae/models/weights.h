#pragma once

#include <filesystem>
#include <map>

#include "sscvae/models/autoencoder.h"
#include "sscvae/serialization/state_dict.h"

/// Weights files: safetensors whose metadata says everything needed to run them.
namespace sscvae::models {

/// Metadata keys.
inline constexpr char kConfigKey[] = "sscvae.config";  ///< resolved configuration, TOML
inline constexpr char kVersionKey[] = "sscvae.version";
inline constexpr char kProfileKey[] = "sscvae.profile";
inline constexpr char kDataKey[] = "sscvae.data";        ///< JSON: name, split, hash
inline constexpr char kMetricsKey[] = "sscvae.metrics";  ///< JSON
inline constexpr char kNoveltyKey[] = "sscvae.novelty";  ///< JSON: what usual codes look like

/// Tensors of a training checkpoint that are no weights (optimizer, raw weights beside EMA) start with this.
inline constexpr char kTrainingPrefix[] = "training.";

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Parameters and buffers in state-dict order, under the authors' key names where the architecture is theirs.
NamedTensors named_tensors(torch::nn::Module& module);
/// The same in memory of the CPU, shared with a model that lies there.
serialization::StateDict state_of(torch::nn::Module& module);
/// Tensors of any device in memory of the CPU.
serialization::StateDict state_from(const NamedTensors& tensors);

/// Copies the values in. Errors: FormatError naming `source` and the first tensor that is missing, unexpected (with the
/// nearest name), misshapen or not finite. Nothing is changed if an error is thrown.
void load_state(torch::nn::Module& module, const serialization::StateDict& state, const std::string& source);

/// A model of these options that holds the state. The size of the model is compared with that of the state first: a
/// configuration that claims more is refused before memory is taken for it. Errors: FormatError naming `source`, as
/// load_state; UsageError for options that make no sense.
std::shared_ptr<Autoencoder> make_from_state(const ModelOptions& options, const serialization::StateDict& state,
                                             const std::string& source);

struct LoadedModel {
  std::shared_ptr<Autoencoder> model;  ///< in eval mode
  std::map<std::string, std::string> metadata;
  std::string sha256;  ///< of the file
};

/// Errors: IoError, FormatError (damaged, foreign, or without a configuration).
LoadedModel load_weights(const std::filesystem::path& path);

/// The "model." part of a weights file's configuration. Errors: FormatError.
ModelOptions model_options_of(const std::map<std::string, std::string>& metadata, const std::string& source);

/// Guesses model kind and sizes from an authors' state dict (key names and shapes) in the `reference` profile; vq-gan
/// only where `defaults` is one, as its keys are those of vq-vae. What shapes do not tell (iterations T, group count,
/// attention) is taken from `defaults`.
ModelOptions infer_model_options(const serialization::StateDict& state, ModelOptions defaults,
                                 const std::string& source);

}  // namespace sscvae::models
