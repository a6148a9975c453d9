#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sscvae/data/data_options.h"
#include "sscvae/experiments/train_options.h"
#include "sscvae/networks/model_options.h"

/// A whole experiment as a configuration: profile, task, model, data, training. Model x task x dataset are values here.
namespace sscvae::experiments {

enum class Task { kReconstruct, kDenoise, kEnhance };

struct ExperimentOptions {
  std::string profile = "sound";
  Task task = Task::kReconstruct;
  networks::ModelOptions model;
  data::DataOptions data;
  TrainOptions train;
  void describe(FieldList& fields);
};

/// A resolved configuration and where each value came from ("default", "profile sound", "model ssc-vae", "dataset
/// folder", a file,
/// "--set").
struct Experiment {
  ExperimentOptions options;
  std::map<std::string, std::string> origins;
  std::string suggested_out;           ///< where an authors' configuration would have trained to; usually ""
  std::string toml() const;            ///< complete, reads back to the same values
  std::string explained_toml() const;  ///< each option that counts, with meaning, range and origin
};

/// The same without the folders and files of this machine, for weights that go to others: training data, initial
/// weights. Names of what comes with the program stay.
Experiment without_paths(Experiment experiment);

/// Resolves, later winning: defaults, model entry, profile, dataset entry, configuration, `assignments` ("key=value").
/// `config` is empty, a TOML file, the name of a shipped preset (configs/<name>.toml) or one of the authors' JSON
/// files; `model` is what such a file means where neither it nor the assignments tell. A split by a table
/// (data.manifest) is left out where a later one names another data.dataset or data.split without a table of its own.
/// Options without an effect on the model (networks/options_read.h) are refused unless they repeat the default, only a
/// later layer makes them idle, or the file sets all options, as those written by the program do.
/// Errors: UsageError, IoError.
Experiment resolve_experiment(const std::string& config, const std::vector<std::string>& assignments,
                              const std::string& model = "");
/// The assignments that have an effect on the resulting model: for settings shared by several models. Errors:
/// UsageError.
std::vector<std::string> assignments_with_effect(const std::vector<std::string>& assignments);
/// As resolve_experiment, from a TOML text (a run's config.toml, a weights file's metadata).
Experiment resolve_experiment_text(const std::string& toml, const std::string& source,
                                   const std::vector<std::string>& assignments = {});

}  // namespace sscvae::experiments

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::Task>() {
  static const std::vector<std::string> names{"reconstruct", "denoise", "enhance"};
  return names;
}
