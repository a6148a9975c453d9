#include "sscvae/image/image.h"

#include <algorithm>
#include <cctype>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"

namespace sscvae::image {

namespace {

constexpr int kJpegQuality = 95;
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 32;

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

}  // namespace

void check_image_size(uint64_t width, uint64_t height, const std::string& source) {
  if (width >= 1 && height >= 1 && width <= kMaxPixels / height) return;
  throw FormatError(source + ": " + format("%llux%llu pixels, expected 1 to %lld", static_cast<unsigned long long>(width),
                                           static_cast<unsigned long long>(height),
                                           static_cast<long long>(kMaxPixels)));
}

void check_consistent(const Image& image) {
  SSCVAE_ASSERT(image.width >= 1 && image.height >= 1);
  SSCVAE_ASSERT(image.channels == 1 || image.channels == 3);
  SSCVAE_ASSERT(image.bit_depth == 8 || image.bit_depth == 16);
  SSCVAE_ASSERT(image.bytes.size() ==
                static_cast<size_t>(image.width * image.height * image.channels * (image.bit_depth / 8)));
}

Image decode_image(std::string_view bytes, const std::string& source) {
  if (is_png(bytes)) return decode_png(bytes, source);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, source);
  throw FormatError(source + ": " + (bytes.empty() ? "empty file" : "neither PNG nor JPEG"));
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path, kMaxFileBytes), path.string());
}

bool has_image_extension(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

void write_image(const std::filesystem::path& path, const Image& image) {
  const std::string extension = lower_extension(path);
  if (extension == ".png")
    write_atomically(path, encode_png(image));
  else if (extension == ".jpg" || extension == ".jpeg")
    write_atomically(path, encode_jpeg(image, kJpegQuality));
  else
    throw UsageError("cannot write '" + path.string() + "': expected the extension .png, .jpg or .jpeg");
}

}  // namespace sscvae::image
