#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/core/error.h"

/// Which input image becomes which output file.
namespace sscvae::tasks {

struct ImageJob {
  std::filesystem::path input, output;
  std::string name;  ///< relative name, for messages and reports
};

/// Pairs every input (files, folders, patterns) with a file of the same relative name under `out`; `extension` (".png")
/// replaces the input's where given. Checked before any work.
/// Errors: IoError for missing inputs; UsageError if two inputs would give one output, or an output exists and
/// `overwrite` is false.
std::vector<ImageJob> plan_images(const std::vector<std::string>& inputs, const std::filesystem::path& out,
                                  const std::string& extension, bool overwrite);

/// The extension of `--format`: "keep" -> "", "png" -> ".png", "jpg" -> ".jpg". Errors: UsageError.
std::string extension_of_format(const std::string& format);

/// Collects the images of a run that could not be read: each is named at once, the run goes on, and the end fails.
class BrokenImages {
 public:
  explicit BrokenImages(size_t total) : total_(total) {}
  void add(const std::string& name, const std::exception& error);
  size_t count() const { return lines_.size(); }
  /// Of the kind of the first failure: "2 of 9 images could not be processed, the first: ..."; a single image's own
  /// line; nothing if all went well.
  std::optional<Error> failure() const;

 private:
  size_t total_;
  ExitCode code_ = ExitCode::kData;
  std::vector<std::string> lines_;
};

}  // namespace sscvae::tasks
