#pragma once

#include <span>
#include <string>

/// The configurations that the program brings along: the files of configs/, embedded at build time.
namespace sscvae::experiments {

struct Preset {
  std::string name;     ///< "ultrasound-lite"
  std::string summary;  ///< the first comment line of the file
  std::string toml;
};

std::span<const Preset> list_presets();
/// nullptr if there is none of that name.
const Preset* find_preset(const std::string& name);

}  // namespace sscvae::experiments
