#pragma once

#include <string>
#include <vector>

#include "sscvae/tasks/report.h"

/// What exists: the registries as tables.
namespace sscvae::tasks {

/// models, profiles, datasets, metrics, protocols, presets, weights.
std::vector<std::string> catalogue_names();
/// Errors: UsageError with the nearest name.
Report list_catalogue(const std::string& what);

}  // namespace sscvae::tasks
