#include "sscvae/metrics/set_metrics.h"

#include <algorithm>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/metrics/features.h"
#include "sscvae/metrics/frechet.h"
#include "sscvae/metrics/kernel_distance.h"

namespace sscvae::metrics {

namespace {

SetFigure fid(const FeatureCloud& a, const FeatureCloud& b) {
  return {frechet_distance(a.moments(), b.moments()), std::numeric_limits<double>::quiet_NaN()};
}

SetFigure kid(const FeatureCloud& a, const FeatureCloud& b) {
  const KernelDistance distance = kernel_distance_with_error(a.kept(), b.kept());
  return {distance.value, distance.standard_error};
}

}  // namespace

const std::vector<SetMetricEntry>& set_metric_entries() {
  static const std::vector<SetMetricEntry> table{
      {"fid", "Frechet distance of Inception features, between sets of images", "Heusel et al. 2017", Direction::kLower,
       false, fid},
      {"kid", "kernel distance of Inception features, between sets of images", "Binkowski et al. 2018",
       Direction::kLower, true, kid}};
  return table;
}

const SetMetricEntry& find_set_metric(const std::string& name) {
  std::vector<std::string> names;
  for (const SetMetricEntry& entry : set_metric_entries()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw UsageError("unknown metric between sets '" + name + "'" + suggestion(name, names) +
                   "; known: " + join(names, ", "));
}

std::string few_images_warning(int64_t count_a, int64_t count_b) {
  const int64_t least = std::min(count_a, count_b);
  if (least >= kEnoughImages) return "";
  return "FID of " + count_text(least, "image") + ": below " + std::to_string(kEnoughImages) +
         " it depends on their number; compare it with figures of as many images only";
}

}  // namespace sscvae::metrics
