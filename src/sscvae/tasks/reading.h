#pragma once

#include <filesystem>

#include "sscvae/image/image.h"

/// How commands read the images that they are given.
namespace sscvae::tasks {

struct ReadingOptions {
  bool strict = false;  ///< files with a defect are refused; else they are read with a warning
};

/// image::read_image. Errors: as there; FormatError for a defect under `strict`.
image::Image read_input(const std::filesystem::path& path, const ReadingOptions& options = {},
                        image::Alpha alpha = image::Alpha::kBlend);

}  // namespace sscvae::tasks
