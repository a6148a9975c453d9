#include "sscvae/tasks/compare_runs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/csv.h"
#include "sscvae/metrics/bootstrap.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/tasks/summary.h"

namespace sscvae::tasks {

namespace {

/// The figures of one run: by image, in the order of the columns.
struct Run {
  std::vector<std::string> figures;
  std::map<std::string, std::vector<double>> images;

  /// The values of a figure for these images.
  std::vector<double> values(const std::string& figure, const std::vector<std::string>& names) const {
    const size_t column = static_cast<size_t>(std::find(figures.begin(), figures.end(), figure) - figures.begin());
    std::vector<double> result;
    for (const std::string& name : names) result.push_back(images.at(name)[column]);
    return result;
  }
};

double number_in(const std::string& cell, const std::string& place) {
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size())
    throw FormatError(place + ": expected a number, got '" + cell.substr(0, 40) + "'");
  return value;
}

Run read_run(const std::string& path) {
  const std::vector<data::CsvRecord> records = data::parse_csv(read_file(path), path);
  if (records.empty()) throw FormatError("'" + path + "' is empty, expected the CSV of evaluate --per-image");
  const data::CsvRecord& header = records.front();
  const size_t name_column = data::csv_column(header, "image", path);
  Run run;
  for (size_t i = 0; i < header.cells.size(); ++i)
    if (i != name_column) run.figures.push_back(header.cells[i]);
  for (size_t r = 1; r < records.size(); ++r) {
    const std::vector<std::string>& cells = records[r].cells;
    const std::string place = format("%s:%lld", path.c_str(), static_cast<long long>(records[r].line));
    if (cells.size() != header.cells.size())
      throw FormatError(format("%s: expected %zu cells, got %zu", place.c_str(), header.cells.size(), cells.size()));
    std::vector<double> row;
    for (size_t i = 0; i < cells.size(); ++i)
      if (i != name_column) row.push_back(number_in(cells[i], place));
    if (!run.images.emplace(cells[name_column], std::move(row)).second)
      throw FormatError(place + ": image '" + cells[name_column] + "' is there twice");
  }
  return run;
}

std::vector<std::string> common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::copy_if(a.begin(), a.end(), std::back_inserter(both),
               [&b](const std::string& name) { return std::find(b.begin(), b.end(), name) != b.end(); });
  return both;
}

metrics::Direction direction_of(const std::string& figure) {
  for (const metrics::MetricEntry& entry : metrics::metric_entries())
    if (metric_key(entry.name) == figure) return entry.better;
  return metrics::Direction::kNeither;
}

/// Which run the interval of b - a speaks for; "" for figures of which neither more nor less is better.
std::string verdict(const metrics::Interval& interval, metrics::Direction direction) {
  if (direction == metrics::Direction::kNeither) return "";
  if (!(interval.low > 0 || interval.high < 0)) return "undecided";
  return (interval.low > 0) == (direction == metrics::Direction::kHigher) ? "b" : "a";
}

}  // namespace

Report compare_runs(const std::string& a, const std::string& b) {
  const Run of_a = read_run(a), of_b = read_run(b);
  std::vector<std::string> images;
  for (const auto& [name, row] : of_a.images)
    if (of_b.images.contains(name)) images.push_back(name);
  const std::vector<std::string> figures = common(of_a.figures, of_b.figures);
  if (images.empty()) throw UsageError("compare: '" + a + "' and '" + b + "' have no image in common");
  if (figures.empty()) throw UsageError("compare: '" + a + "' and '" + b + "' have no figure in common");
  Json json{{"a", a},
            {"b", b},
            {"count", images.size()},
            {"only_a", of_a.images.size() - images.size()},
            {"only_b", of_b.images.size() - images.size()},
            {"interval_rule", "percentile bootstrap over images of b - a, 2000 resamples, seed 1"}};
  std::vector<std::vector<std::string>> rows{{"b - a, " + count_text(images.size(), "image"), "mean of a", "mean of b",
                                              "difference", "95 % interval", "better"}};
  for (const std::string& figure : figures) {
    std::vector<double> first = of_a.values(figure, images), second = of_b.values(figure, images);
    for (size_t i = 0; i < images.size(); ++i)  // both means over the same images
      if (std::isnan(first[i]) || std::isnan(second[i])) first[i] = second[i] = std::nan("");
    const metrics::Interval difference = metrics::bootstrap_paired_difference(second, first);
    const double mean_a = metrics::bootstrap_mean(first, {1, 1, 0.95}).mean;
    const double mean_b = metrics::bootstrap_mean(second, {1, 1, 0.95}).mean;
    const std::string better = verdict(difference, direction_of(figure));
    json["mean_a"][figure] = json_number(mean_a);
    json["mean_b"][figure] = json_number(mean_b);
    json["difference"][figure] = json_number(difference.mean);
    json["interval95"][figure] = interval_json(difference);
    if (difference.left_out > 0) json["left_out"][figure] = difference.left_out;
    if (!better.empty()) json["better"][figure] = better;
    rows.push_back({figure, number_text("%.6g", mean_a), number_text("%.6g", mean_b),
                    number_text("%+.4g", difference.mean), interval_text(difference, "%+.4g"), better});
  }
  return make_report(text_table(rows), std::move(json));
}

}  // namespace sscvae::tasks
