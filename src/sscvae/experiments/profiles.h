#pragma once

#include <span>
#include <string>
#include <vector>

#include "sscvae/core/options.h"

namespace sscvae::experiments {

/// A profile is a set of values of ordinary options; no code branches on its name.
struct ProfileEntry {
  std::string name;  ///< "reference", "paper", "sound"
  std::string summary;
  Assignments values;  ///< over the whole configuration ("model....", "train....", "data....")
};
std::span<const ProfileEntry> profile_entries();
std::vector<std::string> profile_names();
const ProfileEntry& find_profile(const std::string& name);

}  // namespace sscvae::experiments
