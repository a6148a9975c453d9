#include "sscvae/tasks/evaluation_meters.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::tasks {

void RateMeter::add(const metrics::SymbolCounts& symbols, double pixels) {
  all_.add(symbols);
  waiting_.push_back({symbols, pixels});
  kept_ += symbols.kept() + 1;
  if (kept_ > most_kept_) settle();
}

void RateMeter::settle() {
  for (const Image& image : waiting_) bits_per_pixel_.push_back(all_.bits(image.symbols) / image.pixels);
  waiting_.clear();
  kept_ = 0;
}

void RateMeter::fill(ImageTable& table) {
  settle();
  for (size_t i = 0; i < bits_per_pixel_.size() && !all_.empty(); ++i) table.set(i, kBitsPerPixel, bits_per_pixel_[i]);
}

SetMeter::SetMeter(const FeatureOptions& options, const SelectedImages& images, const std::string& rule) {
  if (options.inception.empty()) {
    if (!options.cache.empty()) throw UsageError("--feature-cache belongs to --inception");
    return;
  }
  network_ = std::make_unique<FeatureNetwork>(options);
  std::vector<std::string> files;
  for (size_t i = 0; i < images.paths.size(); ++i) files.push_back(images.path(i).string());
  originals_ =
      std::make_unique<FeatureSet>(*network_, options.cache.empty() ? std::string() : hash_of_images(files, rule));
  reconstructions_ = std::make_unique<FeatureSet>(*network_, "");
}

void SetMeter::add(const Array& original, const Array& reconstruction, const metrics::Protocol& protocol) {
  if (!network_) return;
  if (!originals_->is_complete()) originals_->add(seen_in_set(protocol, original));
  reconstructions_->add(seen_in_set(protocol, reconstruction));
}

void SetMeter::leave_one_out() {
  if (originals_) originals_->leave_one_out();
}

std::string SetMeter::finish(Json& json) {
  if (!network_) return "";
  json["sets"] = compare_feature_sets(*originals_, *reconstructions_, *network_, {});
  return "\n" + feature_sets_text(json["sets"]);
}

GroupTables::GroupTables(const SelectedImages& images, const std::vector<std::string>& columns) : columns_(columns) {
  for (const data::ManifestRow& row : images.manifest.rows) group_of_[row.path] = row.group;
}

void GroupTables::add(const std::string& path, const std::map<std::string, double>& figures) {
  tables_.try_emplace(group_of_[path], columns_).first->second.add(path, figures);
}

std::string GroupTables::finish(Json& json) const {
  constexpr size_t kMostGroups = 20;
  const bool single = std::all_of(tables_.begin(), tables_.end(), [](const auto& t) { return t.second.size() == 1; });
  if (tables_.size() < 2 || tables_.size() > kMostGroups || single) return "";
  std::vector<std::vector<std::string>> rows{{"group", "images", "psnr_db", "ssim", "lpips", "nnz"}};
  for (const auto& [group, table] : tables_) {
    json["groups"][group] = {{"count", table.size()}};
    for (const std::string& column : columns_)
      json["groups"][group]["mean"][metric_key(column)] = json_number(table.mean(column));
    rows.push_back({group, std::to_string(table.size())});
    for (const char* column : {"psnr", "ssim", "lpips", "nnz"})
      rows.back().push_back(format("%.5g", table.mean(column)));
  }
  return "\n" + text_table(rows);
}

Json usage_json(const metrics::CodeUsage& usage) {
  return {{"num_codes", usage.num_codes()},
          {"used", usage.used()},
          {"used_share", json_number(usage.used_share())},
          {"perplexity", json_number(usage.perplexity())},
          {"positions", usage.positions()}};
}

std::string usage_text(const metrics::CodeUsage& usage) {
  if (usage.positions() == 0) return "";
  return format("codebook over all images: %lld of %lld codes used, perplexity %.1f\n",
                static_cast<long long>(usage.used()), static_cast<long long>(usage.num_codes()), usage.perplexity());
}

}  // namespace sscvae::tasks
