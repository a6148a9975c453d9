#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/reading.h"

namespace sscvae::tasks {

/// The clean image of each input, found before any work: that of the same relative name without extension, or the one
/// file that was named for the one input.
class ReferenceImages {
 public:
  /// `root`: a file or folder; "": there are none. Errors: UsageError where an input has none, or which is meant cannot
  /// be told.
  ReferenceImages(const std::string& root, const std::vector<ImageJob>& jobs);
  bool empty() const { return files_.empty(); }

  /// That of an input, with its range and as the model sees it, [C,H,W]. Errors: ShapeError for another size; as
  /// InputReader.
  Array of(const ImageJob& job, const StoredImage& file, const Array& input, const ReadingOptions& reading) const;

 private:
  std::map<std::string, std::filesystem::path> files_;  ///< by the name of the job
};

}  // namespace sscvae::tasks
