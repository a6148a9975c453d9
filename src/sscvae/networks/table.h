#pragma once

#include <span>
#include <string>
#include <vector>

#include "sscvae/networks/model_options.h"
#include "sscvae/networks/network.h"

/// What models exist: a table that help, validation, conformance tests and docs iterate over.
namespace sscvae::networks {

struct ModelEntry {
  std::string name;          ///< "ssc-vae"
  std::string summary;       ///< one line
  std::string source;        ///< paper
  std::string authors_name;  ///< in the authors' file names: "sscvae"; "" if they have none
  /// The option values that make this model, given the profile's other values: mostly "model." keys.
  Assignments (*values)(const std::string& profile);
  /// Prefixes of the keys of options that it reads (options_read.h).
  std::vector<std::string> reads;
  double (*size)(const ModelOptions& options);  ///< the numbers it holds (model_size.h)
  /// Errors: UsageError for option combinations that make no sense.
  Network (*network)(const ModelOptions& options);
};

/// Models of the program that links this library, which may define this function itself; none otherwise.
std::vector<ModelEntry> more_model_entries();

std::span<const ModelEntry> model_entries();
std::vector<std::string> model_names();
/// Errors: UsageError with the nearest name.
const ModelEntry& find_model(const std::string& name);

}  // namespace sscvae::networks
