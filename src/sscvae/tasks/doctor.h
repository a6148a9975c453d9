#pragma once

#include "sscvae/tasks/compute.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

/// This machine and this build: processor, threads, LibTorch, CUDA, image libraries, memory, disk, what would be used
/// with these options, and what is wrong ("problems", empty when all is well).
Report doctor(const ComputeOptions& options);

}  // namespace sscvae::tasks
