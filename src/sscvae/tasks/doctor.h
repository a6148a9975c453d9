#pragma once

#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

/// This machine and this build: processor, threads, libraries, memory, disk, what would be used with these options, and
/// what is wrong ("problems", empty when all is well). `libraries`: what else this program is made of.
Report doctor(const runtime::ComputeOptions& options, const Json& libraries);

}  // namespace sscvae::tasks
