#include "sscvae/tasks/catalogue.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/experiments/presets.h"
#include "sscvae/experiments/profiles.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/metrics/set_metrics.h"
#include "sscvae/networks/table.h"
#include "sscvae/runtime/model_source.h"

namespace sscvae::tasks {

namespace {

/// Rows of a table whose columns are `header`; JSON objects have the same names.
Report tabulate(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  Json json = Json::array();
  std::vector<std::vector<std::string>> text{header};
  for (const auto& row : rows) {
    Json object;
    for (size_t i = 0; i < header.size(); ++i) object[header[i]] = row[i];
    json.push_back(std::move(object));
    text.push_back(row);
  }
  return make_report(rows.empty() ? "none" : text_table(text), std::move(json));
}

Report list_models() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : networks::model_entries()) rows.push_back({entry.name, entry.summary, entry.source});
  return tabulate({"name", "summary", "source"}, rows);
}

Report list_profiles() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : experiments::profile_entries()) rows.push_back({entry.name, entry.summary});
  return tabulate({"name", "summary"}, rows);
}

Report list_datasets() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : data::dataset_entries())
    rows.push_back({entry.name, entry.summary, entry.layout,
                    entry.official_split.empty() ? "none" : entry.official_split, entry.source});
  return tabulate({"name", "summary", "layout", "official split", "source"}, rows);
}

Report list_metrics() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : metrics::metric_entries())
    rows.push_back({entry.name, entry.unit, metrics::direction_text(entry.better), entry.summary, entry.source});
  for (const auto& entry : metrics::set_metric_entries())
    rows.push_back({entry.name, "", metrics::direction_text(entry.better), entry.summary, entry.source});
  return tabulate({"name", "unit", "better", "summary", "source"}, rows);
}

Report list_protocols() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : metrics::protocols()) {
    std::vector<std::string> choices;
    for (const auto& [key, value] : entry.describe())
      if (key != "protocol" && key != "summary") choices.push_back(key + ": " + value);  // the other columns
    rows.push_back({entry.name, entry.summary, join(choices, "; ")});
  }
  return tabulate({"name", "summary", "choices"}, rows);
}

Report list_presets() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& preset : experiments::list_presets()) rows.push_back({preset.name, preset.summary});
  return tabulate({"name", "summary"}, rows);
}

Report list_weights() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, path] : runtime::shipped_weights()) rows.push_back({name, path});
  return tabulate({"name", "path"}, rows);
}

struct Catalogue {
  const char* name;
  Report (*list)();
};
constexpr Catalogue kCatalogues[] = {
    {"models", list_models},       {"profiles", list_profiles}, {"datasets", list_datasets}, {"metrics", list_metrics},
    {"protocols", list_protocols}, {"presets", list_presets},   {"weights", list_weights}};

}  // namespace

std::vector<std::string> catalogue_names() {
  std::vector<std::string> names;
  for (const Catalogue& catalogue : kCatalogues) names.emplace_back(catalogue.name);
  return names;
}

Report list_catalogue(const std::string& what) {
  for (const Catalogue& catalogue : kCatalogues)
    if (catalogue.name == what) return catalogue.list();
  throw UsageError("list: expected one of " + join(catalogue_names(), ", ") + ", got '" + what + "'" +
                   suggestion(what, catalogue_names()));
}

}  // namespace sscvae::tasks
