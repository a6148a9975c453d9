#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "sscvae/data/data_options.h"
#include "sscvae/image/image.h"
#include "sscvae/image/value_range.h"

/// How commands read the images that they are given.
namespace sscvae::tasks {

struct ReadingOptions {
  bool strict = false;     ///< files with a defect are refused; else they are read with a warning
  int64_t max_pixels = 0;  ///< of an image; 0: as the dataset says, or image::kMaxPixels
  std::string range;       ///< auto | full | LOW:HIGH (image/value_range.h); "": that of the dataset, or auto
};

/// An image as it is stored, and what its samples mean.
struct StoredImage {
  image::Image stored;
  image::ValueRange range;
  /// The samples over the full range, as models and metrics want them.
  image::Image picture() const { return image::stretched(stored, range); }
};

/// Reads image after image and notes, once for each range, what `auto` took.
class InputReader {
 public:
  /// `dataset` says what the options leave open. Errors: UsageError for a range that is none and a limit below 1.
  explicit InputReader(const ReadingOptions& options = {}, const data::DataOptions& dataset = {});
  /// With the range of `like`, an image of the same source, where both have one depth.
  /// Errors: as image::read_image; FormatError for a defect under `strict` and for a range that does not fit.
  StoredImage read_stored(const std::filesystem::path& path, image::Alpha alpha = image::Alpha::kBlend,
                          const StoredImage* like = nullptr);
  /// Its picture, opaque.
  image::Image read(const std::filesystem::path& path) { return read_stored(path).picture(); }

 private:
  bool strict_;
  int64_t max_pixels_;
  image::RangeOption range_;
  std::set<std::string> said_;
};

}  // namespace sscvae::tasks
