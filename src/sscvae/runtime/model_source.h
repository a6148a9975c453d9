#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/experiments/experiment.h"
#include "sscvae/runtime/model.h"

/// From what a person names to a model that runs.
namespace sscvae::runtime {

/// A weights file of ours says everything itself. An authors' state dict (.pt, or safetensors without our metadata)
/// is completed by `config` (one of their JSON files, a TOML, a preset) and `model`; without them kind and sizes are
/// read from its keys and shapes in the `reference` profile.
struct ModelSource {
  std::string weights;  ///< a file, or the name of shipped weights
  std::string config;
  std::string model;             ///< registry name
  std::vector<std::string> set;  ///< "key=value"
};

struct OpenedModel {
  std::shared_ptr<const Model> model;  ///< float32
  experiments::Experiment experiment;  ///< its configuration (data and training part: what the file says, or defaults)
  std::map<std::string, std::string> metadata;
  std::string sha256;  ///< of the weights file, "" for a fresh model
};

/// Errors: UsageError, also where no weights are named; IoError, FormatError.
OpenedModel open_model(const ModelSource& source);
/// For what a model costs, not what it gives: freshly drawn weights of the configuration where none are named.
OpenedModel open_architecture(const ModelSource& source);

/// The experiment only, without loading tensors into a model where the file has metadata.
experiments::Experiment experiment_of(const std::map<std::string, std::string>& metadata, const std::string& source,
                                      const std::vector<std::string>& set = {});

/// What weights say that go to others: the configuration without the folders of this machine, nothing of the state and
/// the circumstances of a training.
std::map<std::string, std::string> metadata_for_others(const OpenedModel& opened);

/// A file name (a folder is none), or a name among the shipped weights (core/shipped_files.h). Errors: IoError with the
/// names there are; IoError for a pipe, as weights are read more than once and not in order.
std::string find_weights(const std::string& name_or_path);

/// Name and path of every shipped model: the .safetensors files directly in the folders of core/shipped_files.h; those
/// of metrics lie in folders below.
std::map<std::string, std::string> shipped_weights();

}  // namespace sscvae::runtime
