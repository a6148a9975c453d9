#pragma once

#include "sscvae/runtime/code_meter.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

/// runtime::figures_of and `positions`.
Json to_json(const runtime::CodeStatistics& statistics);

}  // namespace sscvae::tasks
