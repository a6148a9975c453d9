#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/metrics/features.h"
#include "sscvae/metrics/protocol.h"

/// What is measured between two sets of images instead of two images.
namespace sscvae::metrics {

struct SetFigure {
  double value = 0;
  double standard_error = 0;  ///< NaN where there is none
};

struct SetMetricEntry {
  std::string name, summary, source;
  Direction better = Direction::kLower;
  bool of_pairs = false;  ///< every feature with every other: of the kept ones only (FeatureCloud)
  SetFigure (*compute)(const FeatureCloud& a, const FeatureCloud& b) = nullptr;  ///< of Inception features
};

/// fid, kid.
const std::vector<SetMetricEntry>& set_metric_entries();
/// Errors: UsageError with the nearest known name.
const SetMetricEntry& find_set_metric(const std::string& name);

/// A line to be shown with figures of so few images, "" from kEnoughImages on.
std::string few_images_warning(int64_t count_a, int64_t count_b);

}  // namespace sscvae::metrics
