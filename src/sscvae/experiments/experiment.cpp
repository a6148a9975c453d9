#include "sscvae/experiments/experiment.h"

#include <algorithm>
#include <filesystem>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/experiments/authors_config.h"
#include "sscvae/experiments/presets.h"
#include "sscvae/experiments/profiles.h"
#include "sscvae/networks/options_read.h"
#include "sscvae/networks/table.h"

namespace sscvae::experiments {

namespace fs = std::filesystem;

void ExperimentOptions::describe(FieldList& fields) {
  fields.add_name("profile", profile, "whose decisions the other values start from", experiments::profile_names());
  fields.add(
      "task", task,
      "what the network learns: to reproduce its input, the clean image behind a noisy one, or the better image of a "
      "pair (data.input_root, data.input_quality)");
  fields.add_section("model", model);
  fields.add_section("data", data);
  fields.add_section("train", train);
}

std::string Experiment::toml() const {
  ExperimentOptions copy = options;
  return to_toml(fields_of(copy));
}

std::string Experiment::explained_toml() const {
  ExperimentOptions copy = options;
  FieldList fields = fields_of(copy);
  fields.keep_if([&](const std::string& key) { return networks::reads_option(options.model, key); });
  return to_toml(fields, true, origins);
}

Experiment without_paths(Experiment experiment) {
  data::DataOptions& data = experiment.options.data;
  for (std::string* path : {&data.root, &data.input_root, &data.group_table}) path->clear();
  const std::string split = "splits/" + fs::path(data.manifest).filename().string();
  data.manifest = !data.manifest.empty() && !find_shipped_file(split).empty() ? split : "";
  std::string& weights = experiment.options.train.initial_weights;
  if (fs::path(weights).has_extension() || fs::path(weights).has_parent_path()) weights.clear();
  return experiment;
}

namespace {

/// Values and who gave them.
struct Layer {
  std::string origin;
  Assignments values;
  std::string suggested_out = "";
  bool is_chosen = false;  ///< by a user, option by option; the authors' files list all options
};

constexpr uint64_t kLargestConfig = 1 << 20;  // bytes

/// The last text given for `key` in the layers, or `otherwise`.
std::string chosen(const std::vector<Layer>& layers, const std::string& key, std::string otherwise) {
  for (const Layer& layer : layers)
    for (const auto& [name, value] : layer.values)
      if (const auto* text = std::get_if<std::string>(&value); name == key && text) otherwise = *text;
  return otherwise;
}

Layer read_json_layer(const std::string& text, const std::string& config, const std::string& model) {
  Assignments parsed = parse_json(text, config);
  if (!is_authors_config(parsed)) return {config, std::move(parsed), "", true};
  AuthorsConfig authors = read_authors_config(text, config, model);
  for (const std::string& line : authors.notes) note(config + ": " + line);
  return {config, std::move(authors.values), authors.save_path};
}

Layer read_config_layer(const std::string& config, const std::string& model) {
  std::error_code ignored;
  if (fs::exists(config, ignored) && !fs::is_directory(config, ignored)) {
    const std::string text = read_file(config, kLargestConfig);  // once: it may be a pipe
    const size_t start = text.find_first_not_of(" \t\r\n");
    const bool json = has_extension(config, ".json") || (start != std::string::npos && text[start] == '{');
    return json ? read_json_layer(text, config, model) : Layer{config, parse_toml(text, config), "", true};
  }
  if (const Preset* preset = find_preset(config)) {
    const std::string origin = "preset " + preset->name;
    return {origin, parse_toml(preset->toml, origin), "", true};
  }
  if (has_extension(config, ".toml") || has_extension(config, ".json") || config.find('/') != std::string::npos)
    throw IoError("cannot read '" + config + "': there is no such file");
  std::vector<std::string> names;
  for (const Preset& preset : list_presets()) names.push_back(preset.name);
  throw UsageError("no configuration file and no preset is called '" + config + "'" + suggestion(config, names) +
                   "; presets: " + join(names, ", "));
}

/// As parse_assignment, but what is given for a text stays as it was typed: a folder may be called 2024 or 1e3.
std::pair<std::string, OptionValue> parse_typed(const std::string& text, const FieldList& fields) {
  std::pair<std::string, OptionValue> assignment = parse_assignment(text);
  if (std::holds_alternative<std::string>(assignment.second)) return assignment;
  for (const Field& field : fields.fields())
    if (field.key == assignment.first && field.type == "text") assignment.second = text.substr(text.find('=') + 1);
  return assignment;
}

Layer assignment_layer(const std::vector<std::string>& assignments) {
  ExperimentOptions options;
  const FieldList fields = fields_of(options);
  Layer layer{"--set", {}, "", true};
  for (const std::string& text : assignments) layer.values.push_back(parse_typed(text, fields));
  return layer;
}

bool gives(const Layer& layer, const std::string& key) {
  return std::any_of(layer.values.begin(), layer.values.end(), [&](const auto& value) { return value.first == key; });
}

/// A table that says which image is in which part belongs to its images: where a later layer names another dataset, or
/// another rule, without a table of its own, that of earlier ones is not meant.
void drop_other_tables(std::vector<Layer>& given) {
  for (size_t i = 1; i < given.size(); ++i) {
    const std::vector<Layer> before(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(i));
    if (chosen(before, "data.split", "") != "manifest" || gives(given[i], "data.manifest")) continue;
    const std::string dataset = chosen(before, "data.dataset", "");
    const bool other_dataset = chosen({given[i]}, "data.dataset", dataset) != dataset;
    if (!other_dataset && chosen({given[i]}, "data.split", "manifest") == "manifest") continue;
    for (size_t k = 0; k < i; ++k)
      std::erase_if(given[k].values,
                    [](const auto& value) { return value.first == "data.split" || value.first == "data.manifest"; });
  }
}

void check_combinations(const ExperimentOptions& options) {
  const auto& noise = options.data.noise;
  if (options.task == Task::kDenoise && noise.sigma_8bit <= 0 && noise.sigma_8bit_max <= 0)
    throw UsageError("task = \"denoise\" needs data.noise.sigma_8bit above 0");
}

Assignments values_for(const data::DatasetEntry& dataset, const std::string& profile) {
  const auto found = dataset.values.find(profile);
  return found == dataset.values.end() ? Assignments{} : found->second;
}

struct Resolved {
  Experiment experiment;
  ExperimentOptions rows;  ///< by the rows of model, profile and dataset alone
};

Resolved resolve_layers(std::vector<Layer> given) {
  drop_other_tables(given);
  Resolved resolved;
  Experiment& experiment = resolved.experiment;
  ExperimentOptions& options = experiment.options;
  const experiments::ProfileEntry& profile = experiments::find_profile(chosen(given, "profile", options.profile));
  const networks::ModelEntry& model = networks::find_model(chosen(given, "model.name", options.model.name));
  const data::DatasetEntry& dataset = data::find_dataset(chosen(given, "data.dataset", options.data.dataset));
  std::vector<Layer> layers{{"model " + model.name, model.values(profile.name)},
                            {"profile " + profile.name, profile.values},
                            {"dataset " + dataset.name, values_for(dataset, profile.name)}};
  const size_t rows = layers.size();
  layers.insert(layers.end(), std::make_move_iterator(given.begin()), std::make_move_iterator(given.end()));

  const FieldList fields = fields_of(options);
  for (const std::string& key : fields.keys()) experiment.origins[key] = "default";
  for (size_t i = 0; i < layers.size(); ++i) {
    if (i == rows) resolved.rows = options;
    assign(fields, layers[i].values, layers[i].origin);
    for (const auto& [key, value] : layers[i].values) experiment.origins[key] = layers[i].origin;
    if (!layers[i].suggested_out.empty()) experiment.suggested_out = layers[i].suggested_out;
  }
  return resolved;
}

/// Does it set every option of the model, as files written by the program do?
bool is_complete(const Layer& layer, const FieldList& fields) {
  const std::vector<std::string> keys = fields.keys();
  return std::all_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return !key.starts_with("model.") || gives(layer, key); });
}

/// Refuses options without an effect on the model as their layer and the earlier ones define it, unless they repeat the
/// default. Options that only a later layer makes idle are accepted.
void refuse_options_without_effect(const std::vector<Layer>& given) {
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i].is_chosen) continue;
    Resolved so_far = resolve_layers({given.begin(), given.begin() + static_cast<std::ptrdiff_t>(i) + 1});
    const networks::ModelOptions model = so_far.experiment.options.model;
    const FieldList fields = fields_of(so_far.experiment.options), rows = fields_of(so_far.rows);
    if (is_complete(given[i], fields)) continue;
    for (const auto& [key, value] : given[i].values)
      if (!networks::reads_option(model, key) &&
          to_toml(fields.find(key, "").get()) != to_toml(rows.find(key, "").get()))
        throw UsageError(given[i].origin + ": " + key + " has no effect on model '" + model.name +
                         "' with its other options; leave it out ('sscvae config --explain' has those that count)");
  }
}

Experiment resolve(const std::vector<Layer>& given) {
  refuse_options_without_effect(given);
  Experiment experiment = resolve_layers(given).experiment;
  check_combinations(experiment.options);
  return experiment;
}

}  // namespace

Experiment resolve_experiment(const std::string& config, const std::vector<std::string>& assignments,
                              const std::string& model) {
  const Layer given = assignment_layer(assignments);
  std::vector<Layer> layers;
  if (!config.empty()) layers.push_back(read_config_layer(config, chosen({given}, "model.name", model)));
  layers.push_back(given);
  return resolve(layers);
}

std::vector<std::string> assignments_with_effect(const std::vector<std::string>& assignments) {
  Layer layer = assignment_layer(assignments);
  layer.is_chosen = false;
  const networks::ModelOptions model = resolve({layer}).options.model;
  std::vector<std::string> kept;
  for (size_t i = 0; i < assignments.size(); ++i)
    if (networks::reads_option(model, layer.values[i].first)) kept.push_back(assignments[i]);
  return kept;
}

Experiment resolve_experiment_text(const std::string& toml, const std::string& source,
                                   const std::vector<std::string>& assignments) {
  return resolve({{source, parse_toml(toml, source)}, assignment_layer(assignments)});
}

}  // namespace sscvae::experiments
