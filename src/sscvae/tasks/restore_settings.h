#pragma once

#include "sscvae/tasks/report.h"
#include "sscvae/tasks/restore.h"

/// What decides the results of a call, as it stands in its report: a call goes on with the report of an interrupted one
/// only where these are the same.
namespace sscvae::tasks {

Json settings_of(const RestoreOptions& options);
Json settings_of(const DenoiseOptions& options);

}  // namespace sscvae::tasks
