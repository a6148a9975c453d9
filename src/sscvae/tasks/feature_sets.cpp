#include "sscvae/tasks/feature_sets.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/metrics/features.h"
#include "sscvae/metrics/inception.h"
#include "sscvae/metrics/lpips.h"
#include "sscvae/metrics/set_metrics.h"

namespace sscvae::tasks {

namespace {
constexpr size_t kBatch = 16;
}

struct FeatureNetwork::Network {
  metrics::Inception inception;
};

FeatureNetwork::FeatureNetwork(const FeatureOptions& options)
    : options_(options),
      sha256_(sha256_of_file(options.inception)),
      network_(new Network{metrics::load_inception(options.inception)}) {}

FeatureNetwork::~FeatureNetwork() = default;

Array FeatureNetwork::features(const std::vector<Array>& prepared) {
  return network_->inception.features(stack(prepared));
}

FeatureSet::FeatureSet(FeatureNetwork& network, std::string data_sha256)
    : network_(network), data_sha256_(std::move(data_sha256)) {
  if (data_sha256_.empty() || network_.options().cache.empty()) return;
  const auto kept = metrics::read_features(network_.options().cache, {data_sha256_, network_.sha256()});
  if (!kept) return;
  complete_ = true;
  cloud_ = *kept;
}

FeatureSet::~FeatureSet() = default;

void FeatureSet::add(const Array& image) {
  if (complete_) return;
  const Array colour = metrics::three_channels(image.unsqueeze(0).to(kFloat32));
  pending_.push_back(metrics::Inception::prepared(colour).select(0, 0));
  if (pending_.size() == kBatch) flush();
}

void FeatureSet::flush() {
  if (!pending_.empty()) cloud_.add(network_.features(pending_));
  pending_.clear();
}

const metrics::FeatureCloud& FeatureSet::finish() {
  flush();
  if (!complete_ && cloud_.count() > 0 && !data_sha256_.empty() && !network_.options().cache.empty())
    metrics::write_features(network_.options().cache, {data_sha256_, network_.sha256()}, cloud_);
  return cloud_;
}

Array seen_in_set(const metrics::Protocol& protocol, const Array& image) {
  metrics::Protocol with_all_channels = protocol;
  with_all_channels.channels = metrics::ChannelRule::kAll;
  return metrics::measured_image(with_all_channels, metrics::crop(protocol, image));
}

std::string hash_of_images(const std::vector<std::string>& paths, const std::string& rule) {
  Sha256 hash;
  hash.update(rule + "\n");
  for (const std::string& path : paths) {
    std::error_code error;
    hash.update((std::filesystem::is_regular_file(path, error) ? sha256_of_file(path) : "missing") + "\n");
  }
  return hash.hex();
}

Json compare_feature_sets(FeatureSet& a, FeatureSet& b, const FeatureNetwork& network,
                          const std::vector<std::string>& names) {
  const metrics::FeatureCloud &of_a = a.finish(), &of_b = b.finish();
  const int64_t count_a = of_a.count(), count_b = of_b.count();
  if (std::min(count_a, count_b) < 2)
    throw UsageError(format("sets of images: expected at least 2 on each side, got %lld and %lld",
                            static_cast<long long>(count_a), static_cast<long long>(count_b)));
  Json json{{"inception", network.options().inception},
            {"inception_sha256", network.sha256()},
            {"counts", {count_a, count_b}}};
  for (const metrics::SetMetricEntry& entry : metrics::set_metric_entries()) {
    if (!names.empty() && std::find(names.begin(), names.end(), entry.name) == names.end()) continue;
    const metrics::SetFigure figure = entry.compute(of_a, of_b);
    json[entry.name] = json_number(figure.value);
    constexpr int64_t kMost = metrics::FeatureCloud::kMostKept;
    if (entry.of_pairs && std::max(count_a, count_b) > kMost)
      json[entry.name + "_images"] = {std::min(count_a, kMost), std::min(count_b, kMost)};
    if (std::isfinite(figure.standard_error)) json[entry.name + "_standard_error"] = figure.standard_error;
  }
  const std::string warning = metrics::few_images_warning(count_a, count_b);
  if (!warning.empty()) {
    json["warning"] = warning;
    warn(warning);
  }
  return json;
}

std::string feature_sets_text(const Json& figures) {
  std::vector<std::vector<std::string>> rows{{std::to_string(figures["counts"][0].get<int64_t>()) + " against " +
                                                  count_text(figures["counts"][1].get<int64_t>(), "image"),
                                              "value", "standard error"}};
  for (const metrics::SetMetricEntry& entry : metrics::set_metric_entries()) {
    if (!figures.contains(entry.name)) continue;
    const Json& value = figures[entry.name];
    const auto error = figures.find(entry.name + "_standard_error");
    rows.push_back({entry.name, value.is_number() ? format("%.6g", value.get<double>()) : value.get<std::string>(),
                    error == figures.end() ? "" : format("%.2g", error->get<double>())});
  }
  return text_table(rows);
}

}  // namespace sscvae::tasks
