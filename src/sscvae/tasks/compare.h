#pragma once

#include <string>
#include <vector>

#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

struct CompareOptions {
  std::string a, b;  ///< two images, or two folders whose images are matched by relative name without extension
  std::vector<std::string> metrics;  ///< names of metrics between images; empty: all
  std::string protocol = "sound";
};

/// Full-reference metrics, a being the original. Colour against grey is compared in grey.
/// Errors: UsageError for images without a partner; IoError, FormatError; ShapeError for different sizes.
Report compare(const CompareOptions& options);

}  // namespace sscvae::tasks
