#pragma once

#include <cstdint>
#include <filesystem>

namespace sscvae::data {

struct ImageSize {
  int64_t width = 0, height = 0;
  int bit_depth = 8;  ///< after decoding: 8 or 16
};

/// Size and depth from the header of a PNG or JPEG, without decoding: reads a few kilobytes.
/// Errors: IoError if unreadable; FormatError where the header is damaged, foreign or promises an image that is empty
/// or above image::kMaxPixels.
ImageSize read_image_size(const std::filesystem::path& path);

}  // namespace sscvae::data
