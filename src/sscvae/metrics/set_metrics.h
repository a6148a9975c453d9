#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

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
  SetFigure (*compute)(const at::Tensor& a, const at::Tensor& b) = nullptr;  ///< of Inception features, [N,d] and [M,d]
};

/// fid, kid.
const std::vector<SetMetricEntry>& set_metric_entries();
/// Errors: UsageError with the nearest known name.
const SetMetricEntry& find_set_metric(const std::string& name);

/// A line to be shown with figures of so few images, "" from kEnoughImages on.
std::string few_images_warning(int64_t count_a, int64_t count_b);

}  // namespace sscvae::metrics
