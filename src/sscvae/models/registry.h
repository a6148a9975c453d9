#pragma once

#include <memory>
#include <span>
#include <string>

#include "sscvae/core/options.h"
#include "sscvae/models/autoencoder.h"
#include "sscvae/networks/table.h"

/// Models that can be trained, by their rows in the table of networks, and profiles.
namespace sscvae::models {

using networks::find_model;
using networks::model_entries;
using networks::model_names;
using networks::ModelEntry;

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
