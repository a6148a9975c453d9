#pragma once

#include <memory>
#include <span>
#include <string>

#include "sscvae/core/options.h"
#include "sscvae/models/autoencoder.h"

/// What models exist: a table that help, validation, conformance tests and docs iterate over.
namespace sscvae::models {

struct ModelEntry {
  std::string name;          ///< "ssc-vae"
  std::string summary;       ///< one line
  std::string source;        ///< paper
  std::string authors_name;  ///< in the authors' file names: "sscvae"; "" if they have none
  /// The option values that make this model, given the profile's other values: mostly "model." keys.
  Assignments (*values)(const std::string& profile);
  std::shared_ptr<Autoencoder> (*make)(const ModelOptions& options, uint64_t seed);
  double (*size)(const ModelOptions& options);  ///< the numbers it holds (models/model_size.h)
};

std::span<const ModelEntry> model_entries();
std::vector<std::string> model_names();
/// Errors: UsageError with the nearest name.
const ModelEntry& find_model(const std::string& name);

/// A freshly initialised model. All initial values derive from `seed`.
/// Errors: UsageError for option combinations that make no sense.
std::shared_ptr<Autoencoder> make_autoencoder(const ModelOptions& options, uint64_t seed);

/// A profile is a set of values of ordinary options; no code branches on its name.
struct ProfileEntry {
  std::string name;  ///< "reference", "paper", "sound"
  std::string summary;
  Assignments values;  ///< over the whole configuration ("model....", "train....", "data....")
};
std::span<const ProfileEntry> profile_entries();
std::vector<std::string> profile_names();
const ProfileEntry& find_profile(const std::string& name);

}  // namespace sscvae::models
