#include "sscvae/tasks/reading.h"

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"

namespace sscvae::tasks {

InputReader::InputReader(const ReadingOptions& options, const std::string& usual_range)
    : strict_(options.strict),
      range_(image::parse_range("--range", options.range.empty() ? usual_range : options.range)) {}

StoredImage InputReader::read_stored(const std::filesystem::path& path, image::Alpha alpha) {
  StoredImage image{image::read_image(path, alpha), {}};
  if (!image.stored.defect.empty()) {
    const std::string line = path.string() + ": " + image.stored.defect;
    if (strict_) throw FormatError(line);
    warn(line);
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
