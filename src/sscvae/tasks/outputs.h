#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/core/error.h"

/// Which input image becomes which output file.
namespace sscvae::tasks {

struct ImageJob {
  std::filesystem::path input, output, map;  ///< map: "" where none is wanted
  std::string name;                          ///< relative name, for messages and reports
};

/// How images become files of a folder.
struct ImageOutputs {
  std::filesystem::path folder;  ///< "-" (or /dev/stdout): the one result goes to standard output
  std::string extension;         ///< ".png": in place of the input's; "": the input's
  bool overwrite = false;
  bool skip_existing = false;  ///< leave out inputs whose result is complete and not older
  std::filesystem::path maps;  ///< folder of a second picture of each image, a PNG; "": none
};

struct ImagePlan {
  std::vector<ImageJob> jobs;
  std::vector<ImageJob> skipped;
};

/// Pairs every input (files, folders, patterns) with a file of the same relative name under the folder, by the rules of
/// core/output_files.h, before any work. What lies below the output folders is left out, with a note, where it was not
/// named itself. Errors: IoError for missing inputs; UsageError for outputs that exist, or are inputs, and for more
/// than one image to standard output.
ImagePlan plan_images(const std::vector<std::string>& inputs, const ImageOutputs& outputs);

/// Makes the folders of results and maps ("" for none) and notes the names in them (record_results), so that no later
/// call takes them for input, whatever their folder is called then. Errors: IoError.
void record_plan(const ImagePlan& plan, const std::filesystem::path& folder, const std::filesystem::path& maps);

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
