#pragma once

#include <filesystem>
#include <string>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/random.h"
#include "sscvae/image/image.h"

/// Images for the tests of this layer.
namespace sscvae::data::test {

inline image::Image random_image(int64_t width, int64_t height, int64_t channels, uint64_t seed, int bit_depth = 8) {
  image::Image result;
  result.width = width;
  result.height = height;
  result.channels = channels;
  result.bit_depth = bit_depth;
  Random random(seed);
  result.bytes.resize(static_cast<size_t>(width * height * channels * (bit_depth / 8)));
  for (uint8_t& byte : result.bytes) byte = static_cast<uint8_t>(random.below(256));
  return result;
}

/// Writes a random image of that size, creating folders as needed.
inline void put_image(const std::filesystem::path& path, int64_t width = 8, int64_t height = 8, int64_t channels = 1,
                      uint64_t seed = 1) {
  create_folder(path.parent_path());
  image::write_image(path, random_image(width, height, channels, seed));
}

inline void put_text(const std::filesystem::path& path, const std::string& text) {
  create_folder(path.parent_path());
  write_atomically(path, text);
}

}  // namespace sscvae::data::test
