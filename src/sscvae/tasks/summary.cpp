#include "sscvae/tasks/summary.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/data/csv.h"
#include "sscvae/metrics/bootstrap.h"

namespace sscvae::tasks {

std::string metric_key(const std::string& name) {
  for (const metrics::MetricEntry& entry : metrics::metric_entries())
    if (entry.name == name && entry.unit == "dB") return name + "_db";
  return name;
}

std::vector<std::string> measurable_metrics(const std::vector<std::string>& names) {
  std::vector<std::string> measurable;
  for (const std::string& name : names) {
    const std::string missing = metrics::missing_weights(metrics::find_metric(name));
    if (missing.empty()) measurable.push_back(name);
    else note(missing);
  }
  return measurable.empty() ? names : measurable;
}

Json protocol_json(const metrics::Protocol& protocol) {
  Json json{{"name", protocol.name}, {"data_range", protocol.data_range}};
  for (const auto& [key, value] : protocol.describe())
    if (key != "protocol" && key != "data_range") json[key] = value;
  return json;
}

void ImageTable::add(const std::string& name, const std::map<std::string, double>& values) {
  names_.push_back(name);
  for (const std::string& column : columns_) {
    const auto found = values.find(column);
    values_[column].push_back(found == values.end() ? std::nan("") : found->second);
  }
}

double ImageTable::mean(const std::string& column) const {
  const auto found = values_.find(column);
  return found == values_.end() ? std::nan("") : metrics::bootstrap_mean(found->second, {1, 1, 0.95}).mean;
}

Json ImageTable::json() const {
  Json json{{"count", names_.size()},
            {"mean", Json::object()},
            {"interval95", Json::object()},
            {"left_out", Json::object()},
            {"interval_rule", "percentile bootstrap over images, 2000 resamples, seed 1"},
            {"images", Json::array()}};
  for (const std::string& column : columns_) {
    if (names_.empty()) break;
    const metrics::Interval interval = metrics::bootstrap_mean(values_.at(column));
    const std::string key = metric_key(column);
    json["mean"][key] = json_number(interval.mean);
    json["interval95"][key] = {json_number(interval.low), json_number(interval.high)};
    if (interval.left_out > 0) json["left_out"][key] = interval.left_out;
  }
  for (size_t i = 0; i < names_.size(); ++i) {
    Json row{{"name", names_[i]}};
    for (const std::string& column : columns_) row[metric_key(column)] = json_number(values_.at(column)[i]);
    json["images"].push_back(std::move(row));
  }
  return json;
}

std::string ImageTable::text(bool each) const {
  std::string text;
  if (each) {
    std::vector<std::vector<std::string>> rows{{"image"}};
    for (const std::string& column : columns_) rows[0].push_back(metric_key(column));
    for (size_t i = 0; i < names_.size(); ++i) {
      rows.push_back({names_[i]});
      for (const std::string& column : columns_) rows.back().push_back(format("%.5g", values_.at(column)[i]));
    }
    text = text_table(rows);
    if (names_.size() < 2) return text;
    text += "\n";
  }
  std::vector<std::vector<std::string>> rows{{format("mean of %zu images", names_.size()), "value", "95 % interval"}};
  for (const std::string& column : columns_) {
    if (names_.empty()) break;
    const metrics::Interval interval = metrics::bootstrap_mean(values_.at(column));
    std::string range = interval.count > 1 ? format("%.5g to %.5g", interval.low, interval.high) : "-";
    if (interval.left_out > 0)
      range += format(" (%lld not measured, left out)", static_cast<long long>(interval.left_out));
    rows.push_back({metric_key(column), format("%.6g", interval.mean), range});
  }
  return text + text_table(rows);
}

std::string ImageTable::csv() const {
  std::string csv = "image";
  for (const std::string& column : columns_) csv += "," + metric_key(column);
  csv += "\n";
  for (size_t i = 0; i < names_.size(); ++i) {
    csv += data::csv_cell(names_[i]);
    for (const std::string& column : columns_) csv += "," + to_text(values_.at(column)[i]);
    csv += "\n";
  }
  return csv;
}

}  // namespace sscvae::tasks
