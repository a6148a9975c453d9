#include "sscvae/tasks/summary.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
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

namespace {

bool is_interval(const metrics::Interval& interval) {
  return interval.count > 1 && (std::isfinite(interval.low) || std::isfinite(interval.high));
}

}  // namespace

Json interval_json(const metrics::Interval& interval) {
  if (!is_interval(interval)) return nullptr;
  return {json_number(interval.low), json_number(interval.high)};
}

std::string interval_text(const metrics::Interval& interval, const char* pattern) {
  if (!is_interval(interval)) return "-";
  return number_text(pattern, interval.low) + " to " + number_text(pattern, interval.high);
}

void RunningMean::add(double value) {
  if (std::isnan(value)) return;
  sum_ += value;
  ++count_;
}

double RunningMean::value() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : std::nan(""); }

void ImageTable::add(const std::string& name, const std::map<std::string, double>& values) {
  names_.push_back(name);
  intervals_.clear();
  for (const std::string& column : columns_) {
    const auto found = values.find(column);
    values_[column].push_back(found == values.end() ? std::nan("") : found->second);
  }
}

void ImageTable::set(size_t row, const std::string& column, double value) {
  values_.at(column).at(row) = value;
  intervals_.erase(column);
}

double ImageTable::mean(const std::string& column) const {
  RunningMean mean;
  if (const auto found = values_.find(column); found != values_.end())
    for (const double value : found->second) mean.add(value);
  return mean.value();
}

const metrics::Interval& ImageTable::interval(const std::string& column) const {
  const auto found = intervals_.find(column);
  if (found != intervals_.end()) return found->second;
  return intervals_.emplace(column, metrics::bootstrap_mean(values_.at(column))).first->second;
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
    const metrics::Interval& found = interval(column);
    const std::string key = metric_key(column);
    json["mean"][key] = json_number(found.mean);
    json["interval95"][key] = interval_json(found);
    if (found.left_out > 0) json["left_out"][key] = found.left_out;
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
      for (const std::string& column : columns_) rows.back().push_back(number_text("%.5g", values_.at(column)[i]));
    }
    text = text_table(rows);
    if (names_.size() < 2) return text;
    text += "\n";
  }
  std::vector<std::vector<std::string>> rows{
      {"mean of " + count_text(names_.size(), "image"), "value", "95 % interval"}};
  for (const std::string& column : columns_) {
    if (names_.empty()) break;
    const metrics::Interval& found = interval(column);
    std::string range = interval_text(found, "%.5g");
    if (found.left_out > 0) range += format(" (%lld not measured, left out)", static_cast<long long>(found.left_out));
    rows.push_back({metric_key(column), number_text("%.6g", found.mean), range});
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
