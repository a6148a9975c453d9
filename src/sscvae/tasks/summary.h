#pragma once

#include <map>
#include <string>
#include <vector>

#include "sscvae/metrics/bootstrap.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/tasks/report.h"

/// Figures of many images and their means.
namespace sscvae::tasks {

/// The name of a metric in JSON and CSV: with its unit where it has one ("psnr_db").
std::string metric_key(const std::string& name);

/// The metrics among `names` that this machine can measure; a note about each of the others (their weights are
/// missing), so that it is said once and not for every image. All of them if none can be measured.
std::vector<std::string> measurable_metrics(const std::vector<std::string>& names);

/// Every choice of a protocol, so that a figure can be understood without this program.
Json protocol_json(const metrics::Protocol& protocol);

/// The interval as JSON [low, high], and as text by a pattern for numbers; null and "-" where there is none: for one
/// image, and where all are perfect (both ends infinite).
Json interval_json(const metrics::Interval& interval);
std::string interval_text(const metrics::Interval& interval, const char* pattern);

/// A mean that is known after each value. NaN is left out, as bootstrap_mean does.
class RunningMean {
 public:
  void add(double value);
  double value() const;  ///< NaN without values

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

/// Takes time and memory in proportion to the images; a mean is a sum over them.
class ImageTable {
 public:
  /// `columns` are metric names or other figures, in order.
  explicit ImageTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  void add(const std::string& name, const std::map<std::string, double>& values);
  /// Fills in a figure of image `row`, counted from 0.
  void set(size_t row, const std::string& column, double value);
  size_t size() const { return names_.size(); }
  double mean(const std::string& column) const;
  const std::map<std::string, std::vector<double>>& columns() const { return values_; }

  /// "count", "mean", "interval95" (bootstrap over images, null for one), "left_out" (not measured), "images".
  Json json() const;
  /// Means with intervals; with `each`, a row for every image before.
  std::string text(bool each) const;
  /// Header "image,<column>,...", one row for each image.
  std::string csv() const;

 private:
  const metrics::Interval& interval(const std::string& column) const;
  std::vector<std::string> columns_, names_;
  std::map<std::string, std::vector<double>> values_;
  mutable std::map<std::string, metrics::Interval> intervals_;  ///< computed already: 2000 passes over the images each
};

}  // namespace sscvae::tasks
