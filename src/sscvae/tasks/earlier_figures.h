#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/report.h"

/// Going on with a call that was interrupted, by its report.
namespace sscvae::tasks {

/// The report of an earlier call with these settings, whose "images" are an array. Errors: UsageError naming the first
/// setting that differs, and for a file that is no such report.
Json read_earlier_report(const std::filesystem::path& report, const Json& settings);

/// Appends to `images` what that report says of the images whose results these are.
void add_earlier_results(Json& images, const Json& report, const std::vector<ImageJob>& results);

/// The figures by image in the report of an earlier evaluation, for one with the same settings.
class EarlierFigures {
 public:
  EarlierFigures() = default;
  /// A report that is not there has no figures. Errors: as read_earlier_report.
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
