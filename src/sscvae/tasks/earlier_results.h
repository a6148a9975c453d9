#pragma once

#include <string>
#include <vector>

#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

/// What the report of an earlier call says of images, by their result's path: an interrupted call that goes on keeps
/// it. Nothing where `report` is "". Errors: UsageError for a file that is no report of this command with these
/// weights.
Json earlier_results(const std::string& report, const std::string& command, const std::string& weights_sha256);

/// Appends what it knows of those images.
void add_results(Json& images, const Json& earlier, const std::vector<ImageJob>& jobs);

}  // namespace sscvae::tasks
