#pragma once

#include "sscvae/tasks/report.h"
#include "sscvae/tasks/restore.h"

/// What decides the results of a call, as it stands in its report: a call goes on with the report of an interrupted one
/// only where these are the same.
namespace sscvae::tasks {

/// A side in pixels (0: never tiled), or "auto".
Json tile_setting(int64_t tile);
/// The range that images are read with: the one asked for, else that of the dataset.
std::string range_setting(const ReadingOptions& reading, const data::DataOptions& dataset = {});

Json settings_of(const RestoreOptions& options);
Json settings_of(const DenoiseOptions& options);

}  // namespace sscvae::tasks
