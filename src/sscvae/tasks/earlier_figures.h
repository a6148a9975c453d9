#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/tasks/report.h"

/// Going on with an evaluation that was interrupted.
namespace sscvae::tasks {

/// The figures by image in the report of an earlier evaluation, for one with the same settings.
class EarlierFigures {
 public:
  EarlierFigures() = default;
  /// `settings` are those of this evaluation; the report must have the same. A report that is not there has no figures.
  /// Errors: UsageError naming the first setting that differs, and for a file that is no report of an evaluation.
  EarlierFigures(const std::filesystem::path& report, const Json& settings);

  /// The figures of that image by the keys of the report; nothing where the image is not in it or newer than it.
  std::optional<std::map<std::string, double>> of(const std::string& name, const std::filesystem::path& image) const;
  /// Did that evaluation write this table of single images?
  bool wrote(const std::string& per_image) const { return !per_image.empty() && per_image == per_image_; }

 private:
  std::map<std::string, std::map<std::string, double>> figures_;
  std::filesystem::file_time_type time_;
  std::string per_image_;
};

}  // namespace sscvae::tasks
