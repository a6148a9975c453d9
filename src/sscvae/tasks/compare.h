#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/tasks/feature_sets.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

struct CompareOptions {
  std::string a, b;  ///< two images, or two folders whose images are matched by relative name without extension
  std::vector<std::string> metrics;  ///< names of metrics between images, or of those between sets; empty: all
  std::string protocol = "sound";
  int64_t stride = 0;  ///< of the protocol's windows, pixels; 0: windows side by side
  ReadingOptions reading;
  bool sets = false;  ///< a and b are folders of unrelated images: FID and KID
  FeatureOptions features;
  bool runs = false;  ///< a and b are tables of evaluate: tasks/compare_runs.h
};

/// Full-reference metrics, a being the original: b is compared with its channels (grey repeated, or colour made grey),
/// opacity blended over black in both. Notes and the JSON ("converted", "with_opacity", "rounded_from_16bit") say where
/// that, or the protocol's rounding of 16 bits to 8, took place. With `sets`, figures between
/// the two folders as wholes: neither names nor sizes nor numbers need to match. With `runs`, compare_runs.
/// An image that cannot be read, or whose partner has another size, is named and left out; the report then fails once
/// it is delivered. Errors: UsageError for images without a partner, for `sets` without an Inception file or with less
/// than 2 images, and for options that do not belong together; IoError, FormatError or ShapeError if nothing is left.
Report compare(const CompareOptions& options);

}  // namespace sscvae::tasks
