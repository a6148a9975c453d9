#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sscvae/metrics/code_model.h"
#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/report.h"

/// Warnings about images unlike those the weights were trained on.
namespace sscvae::tasks {

class NoveltyCheck {
 public:
  /// Lets the inference look where the weights say what usual images look like; else a note says why there is no check.
  /// Thresholds of another scale than 1 make codes that are not those it knows.
  /// Errors: UsageError where maps (the folder of --novelty-maps; "": none) are wanted and there is no check.
  NoveltyCheck(const std::string& maps, double threshold_scale, runtime::Inference& inference);

  /// Adds unusual_share, unusual_limit and unusual to what is reported of an image, and writes its map ("": none).
  void add(const std::filesystem::path& map, const runtime::InferenceResult& result, Json& json) const;
  /// The image of that report has been written.
  void count(const Json& json);
  /// Names the images that look unusual, of all that were written.
  void warn_of_unusual(size_t total) const;

 private:
  std::optional<metrics::CodeModel> model_;
  std::vector<std::pair<std::string, double>> unusual_;  ///< name and share
};

}  // namespace sscvae::tasks
