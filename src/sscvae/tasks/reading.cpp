#include "sscvae/tasks/reading.h"

#include <string>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"

namespace sscvae::tasks {

image::Image read_input(const std::filesystem::path& path, const ReadingOptions& options, image::Alpha alpha) {
  image::Image image = image::read_image(path, alpha);
  if (image.defect.empty()) return image;
  const std::string line = path.string() + ": " + image.defect;
  if (options.strict) throw FormatError(line);
  warn(line);
  return image;
}

}  // namespace sscvae::tasks
