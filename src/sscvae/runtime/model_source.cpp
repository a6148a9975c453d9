#include "sscvae/runtime/model_source.h"

#include <filesystem>

#include "sscvae/core/error.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/table.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/tensor_file.h"

namespace sscvae::runtime {

namespace fs = std::filesystem;

namespace {

serialization::StateDict read_state(const std::string& path) {
  serialization::StateDict state;
  for (const auto& [name, tensor] : serialization::read_tensor_file(path).tensors)
    if (!is_training_tensor(name)) state.add(name, tensor);
  return state.without_wrappers();
}

std::map<std::string, std::string> metadata_of(const std::string& path) {
  if (serialization::is_torch_checkpoint(path)) return {};
  return serialization::read_safetensors_header(path).metadata;
}

bool names_a_key(const std::vector<std::string>& assignments, const std::string& key) {
  for (const std::string& assignment : assignments)
    if (parse_assignment(assignment).first == key) return true;
  return false;
}

/// The model whose keys these are in the authors' network, "" if they are none of it.
std::string model_by_keys(const serialization::StateDict& state, const std::string& path) {
  try {
    return infer_model_options(state, {}, path).name;
  } catch (const FormatError&) {
    return "";
  }
}

/// The configuration of a state dict that does not bring one.
experiments::Experiment describe_state(const serialization::StateDict& state, const std::string& path,
                                       const ModelSource& source) {
  std::vector<std::string> set = source.set;
  if (source.config.empty() && !names_a_key(set, "profile")) set.push_back("profile=\"reference\"");
  if (!source.model.empty()) set.push_back("model.name=\"" + networks::find_model(source.model).name + "\"");
  experiments::Experiment experiment = experiments::resolve_experiment(source.config, set, model_by_keys(state, path));
  const bool ours = !source.config.empty() && experiment.options.model.backbone != networks::Backbone::kReference;
  if (ours) return experiment;  // no network of the authors: nothing to infer
  const networks::ModelOptions inferred = infer_model_options(state, experiment.options.model, path);
  if (source.config.empty()) {
    if (!source.model.empty() && inferred.name != source.model)
      throw UsageError("--model " + source.model + ": the keys of '" + path + "' are those of " + inferred.name);
    experiment.options.model = inferred;
  } else if (inferred.name != experiment.options.model.name) {
    if (!source.model.empty())
      throw UsageError("--model " + source.model + ": the keys of '" + path + "' are those of " + inferred.name);
    set.push_back("model.name=\"" + inferred.name + "\"");
    experiment = experiments::resolve_experiment(source.config, set);
  }
  return experiment;
}

OpenedModel open_fresh(const ModelSource& source) {
  std::vector<std::string> set = source.set;
  if (!source.model.empty()) set.push_back("model.name=\"" + networks::find_model(source.model).name + "\"");
  OpenedModel opened;
  opened.experiment = experiments::resolve_experiment(source.config, set);
  const auto& options = opened.experiment.options;
  opened.model = std::make_shared<Model>(options.model, static_cast<uint64_t>(options.train.seed));
  return opened;
}

}  // namespace

experiments::Experiment experiment_of(const std::map<std::string, std::string>& metadata, const std::string& source,
                                      const std::vector<std::string>& set) {
  const auto config = metadata.find(kConfigKey);
  if (config == metadata.end()) throw FormatError("'" + source + "' has no configuration (metadata sscvae.config)");
  try {
    return experiments::resolve_experiment_text(config->second, source, set);
  } catch (const UsageError& error) {
    if (!set.empty()) throw;
    throw FormatError(error.what());
  }
}

OpenedModel open_model(const ModelSource& source) {
  const std::string path = find_weights(source.weights);
  OpenedModel opened;
  opened.metadata = metadata_of(path);
  if (opened.metadata.count(kConfigKey) > 0) {
    if (!source.config.empty() || !source.model.empty())
      throw UsageError("'" + path + "' brings its own configuration; --config and --model are for files without one");
    LoadedModel loaded = load_weights(path);
    opened.experiment = experiment_of(opened.metadata, path, source.set);
    opened.sha256 = loaded.sha256;
    if (!source.set.empty())
      loaded.model = model_from_state(opened.experiment.options.model, loaded.model.state(), path);
    opened.model = std::make_shared<Model>(std::move(loaded.model));
  } else {
    const serialization::StateDict state = read_state(path);
    try {
      opened.experiment = describe_state(state, path, source);
      opened.model = std::make_shared<Model>(model_from_state(opened.experiment.options.model, state, path));
    } catch (const FormatError& error) {
      if (!source.config.empty()) throw;
      throw FormatError(std::string(error.what()) +
                        "; the file has no configuration: --config (--model-config) can name that of its model");
    }
    opened.sha256 = sha256_of_file(path);
  }
  return opened;
}

OpenedModel open_architecture(const ModelSource& source) {
  return source.weights.empty() ? open_fresh(source) : open_model(source);
}

std::map<std::string, std::string> metadata_for_others(const OpenedModel& opened) {
  std::map<std::string, std::string> metadata = opened.metadata;
  metadata[kConfigKey] = experiments::without_paths(opened.experiment).toml();
  metadata[kProfileKey] = opened.experiment.options.profile;
  for (const char* key : {kTrainingStateKey, kCircumstancesKey}) metadata.erase(key);
  return metadata;
}

std::map<std::string, std::string> shipped_weights() {
  std::map<std::string, std::string> weights;
  std::error_code error;
  for (const std::string& folder : shipped_folders())
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == ".safetensors")
        weights.emplace(entry.path().stem().string(), entry.path().string());
  return weights;
}

std::string find_weights(const std::string& name_or_path) {
  std::error_code error;
  if (name_or_path.empty()) throw UsageError("the weights have no name: is a variable of the shell unset?");
  const bool folder = fs::is_directory(name_or_path, error);
  if (fs::is_regular_file(name_or_path, error)) return name_or_path;
  if (!folder && fs::exists(name_or_path, error))
    throw IoError("'" + name_or_path +
                  "' is a pipe or a device, expected a weights file, which is read more than once");
  const std::map<std::string, std::string> shipped = shipped_weights();
  if (const auto found = shipped.find(name_or_path); found != shipped.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, path] : shipped) names.push_back(name);
  if (folder) throw IoError("'" + name_or_path + "' is a folder, expected a weights file");
  throw IoError(
      "no weights file '" + name_or_path + "'" +
      (names.empty() ? std::string() : ", and no shipped weights of that name: there are " + join(names, ", ")) +
      suggestion(name_or_path, names));
}

}  // namespace sscvae::runtime
