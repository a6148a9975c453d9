#include "sscvae/image/image.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"
#include "sscvae/image/metadata.h"

namespace sscvae::image {

namespace {

constexpr int kJpegQuality = 95;
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 32, kMostBytesOfPixel = 8;

std::string lower_extension(const std::filesystem::path& path) { return lower_case(path.extension().string()); }

template <class Sample>
void blend_samples(Image& image) {
  constexpr uint64_t kMax = Sample(-1);
  auto* samples = reinterpret_cast<Sample*>(image.bytes.data());
  const auto* alpha = reinterpret_cast<const Sample*>(image.alpha.data());
  for (int64_t i = 0; i < image.width * image.height; ++i)
    for (int64_t c = 0; c < image.channels; ++c, ++samples)
      *samples = static_cast<Sample>((*samples * uint64_t{alpha[i]} + kMax / 2) / kMax);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open_image(const std::filesystem::path& path) {
  std::error_code error;
  errno = 0;
  File file(std::filesystem::is_directory(path, error) ? nullptr : std::fopen(path.c_str(), "rb"));
  if (!file) throw IoError(path.string() + ": cannot be read: " + std::strerror(errno ? errno : EISDIR));
  return file;
}

[[noreturn]] void fail_foreign(const std::string& source, bool empty) {
  throw FormatError(source + ": " + (empty ? "empty file" : "neither PNG nor JPEG"));
}

}  // namespace

void check_image_size(uint64_t width, uint64_t height, int64_t max_pixels, const std::string& source) {
  if (width >= 1 && height >= 1 && width <= static_cast<uint64_t>(max_pixels) / height) return;
  throw FormatError(source + ": " +
                    format("%llux%llu pixels, expected 1 to %lld (max_pixels)", static_cast<unsigned long long>(width),
                           static_cast<unsigned long long>(height), static_cast<long long>(max_pixels)));
}

void add_remark(Image& image, const std::string& remark) {
  image.remarks += (image.remarks.empty() ? "" : ", ") + remark;
}

void check_consistent(const Image& image) {
  SSCVAE_ASSERT(image.width >= 1 && image.height >= 1);
  SSCVAE_ASSERT(image.channels == 1 || image.channels == 3);
  SSCVAE_ASSERT(image.bit_depth == 8 || image.bit_depth == 16);
  SSCVAE_ASSERT(image.bytes.size() ==
                static_cast<size_t>(image.width * image.height * image.channels * (image.bit_depth / 8)));
  SSCVAE_ASSERT(image.alpha.empty() ||
                image.alpha.size() == static_cast<size_t>(image.width * image.height * (image.bit_depth / 8)));
}

void blend_over_black(Image& image) {
  check_consistent(image);
  if (image.alpha.empty()) return;
  image.bit_depth == 16 ? blend_samples<uint16_t>(image) : blend_samples<uint8_t>(image);
  image.alpha.clear();
  add_remark(image, "alpha blended over black");
}

Image decode_image(std::string_view bytes, const std::string& source, Alpha alpha, int64_t max_pixels) {
  if (!is_png(bytes) && !is_jpeg(bytes)) fail_foreign(source, bytes.empty());
  Image image = is_png(bytes) ? decode_png(bytes, max_pixels, source) : decode_jpeg(bytes, max_pixels, source);
  turn_upright(image);
  if (alpha == Alpha::kBlend) blend_over_black(image);
  return image;
}

Image read_image(const std::filesystem::path& path, Alpha alpha, int64_t max_pixels) {
  const auto needed = static_cast<uint64_t>(max_pixels) * kMostBytesOfPixel;
  return decode_image(read_file(path, std::max(kMaxFileBytes, needed)), path.string(), alpha, max_pixels);
}

ImageSize read_image_size(const std::filesystem::path& path, int64_t max_pixels) {
  const File file = open_image(path);
  char start[8];
  const std::string_view bytes(start, std::fread(start, 1, sizeof start, file.get()));
  if (!is_png(bytes) && !is_jpeg(bytes)) fail_foreign(path.string(), bytes.empty());
  std::error_code error;
  const uint64_t length = std::filesystem::file_size(path, error);
  if (error || std::fseek(file.get(), 0, SEEK_SET) != 0) throw IoError(path.string() + ": cannot be read");
  return is_png(bytes) ? png_size(file.get(), length, max_pixels, path.string())
                       : jpeg_size(file.get(), length, max_pixels, path.string());
}

bool has_image_extension(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

void write_image(const std::filesystem::path& path, const Image& image, FileFormat format) {
  write_atomically(path, format == FileFormat::kPng ? encode_png(image) : encode_jpeg(image, kJpegQuality));
}

void write_image(const std::filesystem::path& path, const Image& image) {
  const std::string extension = lower_extension(path);
  if (extension == ".png") write_image(path, image, FileFormat::kPng);
  else if (extension == ".jpg" || extension == ".jpeg") write_image(path, image, FileFormat::kJpeg);
  else throw UsageError("cannot write '" + path.string() + "': expected the extension .png, .jpg or .jpeg");
}

}  // namespace sscvae::image
