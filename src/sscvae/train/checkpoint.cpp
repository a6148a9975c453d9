#include "sscvae/train/checkpoint.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::train {

namespace fs = std::filesystem;
using serialization::StateDict;

namespace {

const std::string kModelPrefix = std::string(runtime::kTrainingPrefix) + "model.";
const std::string kAdamPrefix = std::string(runtime::kTrainingPrefix) + "adam.";
const std::string kDiscriminatorPrefix = std::string(runtime::kTrainingPrefix) + "discriminator.";
const std::string kDiscriminatorAdamPrefix = std::string(runtime::kTrainingPrefix) + "discriminator_adam.";

std::string hexadecimal(double value) { return format("%a", value); }

double real_of(const nlohmann::json& object, const char* key, const std::string& source) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string())
    throw FormatError(source + ": training state: '" + key + "' is missing or no hexadecimal number");
  const std::string text = found->get<std::string>();
  const std::optional<double> value = parse_real(text);
  if (!value)
    throw FormatError(source + ": training state: '" + key + "': expected a hexadecimal number, got '" + text + "'");
  return *value;
}

int64_t count_of(const nlohmann::json& object, const char* key, const std::string& source) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer() || found->get<int64_t>() < 0)
    throw FormatError(source + ": training state: '" + key + "' is missing or no count");
  return found->get<int64_t>();
}

void append(StateDict& target, const std::string& prefix, const StateDict& entries) {
  for (const auto& [name, tensor] : entries) target.add(prefix + name, tensor);
}

/// The entries outside the training part: the weights to evaluate with.
StateDict plain_entries(const StateDict& all) {
  StateDict plain;
  for (const auto& [name, tensor] : all)
    if (!name.starts_with(runtime::kTrainingPrefix)) plain.add(name, tensor);
  return plain;
}

models::Autoencoder& evaluated(const TrainedParts& parts) { return parts.average ? *parts.average : parts.model; }

}  // namespace

std::string to_json(const TrainingState& state) {
  return nlohmann::ordered_json{{"step", state.step},
                                {"sparsity_weight", hexadecimal(state.sparsity_weight)},
                                {"running_loss", hexadecimal(state.running_loss)},
                                {"last_loss", hexadecimal(state.last_loss)},
                                {"best_value", hexadecimal(state.best_value)},
                                {"best_step", state.best_step},
                                {"discriminator_steps", state.discriminator_steps},
                                {"seconds", hexadecimal(state.seconds)}}
      .dump();
}

TrainingState training_state_from_json(const std::string& json, const std::string& source) {
  const nlohmann::json object = nlohmann::json::parse(json, nullptr, false);
  if (!object.is_object()) throw FormatError(source + ": training state: expected a JSON object");
  TrainingState state;
  state.step = count_of(object, "step", source);
  state.sparsity_weight = real_of(object, "sparsity_weight", source);
  state.running_loss = real_of(object, "running_loss", source);
  state.last_loss = real_of(object, "last_loss", source);
  state.best_value = real_of(object, "best_value", source);
  state.best_step = count_of(object, "best_step", source);
  state.seconds = real_of(object, "seconds", source);
  // Absent in files from before there were discriminators.
  if (object.contains("discriminator_steps"))
    state.discriminator_steps = count_of(object, "discriminator_steps", source);
  return state;
}

void write_checkpoint(const fs::path& path, const TrainedParts& parts, const TrainingState& state,
                      std::map<std::string, std::string> metadata) {
  metadata[runtime::kTrainingStateKey] = to_json(state);
  StateDict tensors;
  append(tensors, "", models::state_of(evaluated(parts)));
  if (parts.average) append(tensors, kModelPrefix, models::state_of(parts.model));
  append(tensors, kAdamPrefix, parts.optimizer.state());
  if (parts.adversary && parts.adversary->discriminator()) {
    append(tensors, kDiscriminatorPrefix, models::state_of(*parts.adversary->discriminator()));
    append(tensors, kDiscriminatorAdamPrefix, parts.adversary->adam()->state());
  }
  serialization::write_safetensors(path, tensors, metadata);
}

void write_weights(const fs::path& path, const TrainedParts& parts,
                   const std::map<std::string, std::string>& metadata) {
  serialization::write_safetensors(path, models::state_of(evaluated(parts)), metadata);
}

TrainingState read_checkpoint(const fs::path& path, const TrainedParts& parts) {
  const std::string source = "'" + path.string() + "'";
  const serialization::TensorFile file = serialization::read_safetensors(path);
  const auto found = file.metadata.find(runtime::kTrainingStateKey);
  if (found == file.metadata.end())
    throw FormatError(source + ": weights without a training state cannot be resumed (metadata '" +
                      runtime::kTrainingStateKey + "' is missing)");
  const TrainingState state = training_state_from_json(found->second, source);
  const StateDict plain = plain_entries(file.tensors), own = file.tensors.with_prefix_removed(kModelPrefix);
  models::load_state(parts.model, own.empty() ? plain : own, source);
  if (parts.average) models::load_state(*parts.average, plain, source);
  parts.optimizer.load_state(file.tensors.with_prefix_removed(kAdamPrefix), state.step, source);
  if (parts.adversary && parts.adversary->discriminator()) {
    models::load_state(*parts.adversary->discriminator(), file.tensors.with_prefix_removed(kDiscriminatorPrefix),
                       source);
    parts.adversary->adam()->load_state(file.tensors.with_prefix_removed(kDiscriminatorAdamPrefix),
                                        state.discriminator_steps, source);
  }
  return state;
}

}  // namespace sscvae::train
