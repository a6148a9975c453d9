#include "sscvae/tasks/reading.h"

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"

namespace sscvae::tasks {

InputReader::InputReader(const ReadingOptions& options, const data::DataOptions& dataset)
    : strict_(options.strict),
      max_pixels_(options.max_pixels == 0 ? dataset.max_pixels : options.max_pixels),
      range_(options.range.empty() ? image::parse_range("data.range", dataset.range)
                                   : image::parse_range("--range", options.range)) {
  if (max_pixels_ < 1) throw UsageError("--max-pixels: expected a number >= 1, got " + std::to_string(max_pixels_));
}

StoredImage InputReader::read_stored(const std::filesystem::path& path, image::Alpha alpha, const StoredImage* like) {
  StoredImage image{image::read_image(path, alpha, max_pixels_), {}};
  if (!image.stored.defect.empty()) {
    const std::string line = path.string() + ": " + image.stored.defect;
    if (strict_) throw FormatError(line);
    warn(line);
  }
  if (like && like->stored.bit_depth == image.stored.bit_depth) {
    image.range = like->range;
    return image;
  }
  try {
    const image::FoundRange found = image::find_range(image.stored, range_);
    image.range = found.range;
    const std::string range = image::range_text(found.range);
    if (!found.reason.empty() && said_.insert(range).second)
      note(path.string() + " is taken as " + range + " (" + found.reason +
           "), and so are others like it; --range full or LOW:HIGH says otherwise");
  } catch (const FormatError& error) {
    throw FormatError(path.string() + ": " + error.what());
  }
  return image;
}

}  // namespace sscvae::tasks
