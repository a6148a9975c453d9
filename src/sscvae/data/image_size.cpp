#include "sscvae/data/image_size.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "sscvae/core/error.h"
#include "sscvae/image/image.h"

namespace sscvae::data {
namespace {

constexpr std::string_view kPngSignature{"\x89PNG\r\n\x1a\n", 8};
constexpr size_t kPngHeader = 25;  // signature, chunk length and name, width, height, depth

/// The file from its begin on; everything that is missing is an error of the format.
class HeaderReader {
 public:
  explicit HeaderReader(const std::filesystem::path& path) : path_(path.string()) {
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error)) file_.open(path, std::ios::binary);
    if (!file_.is_open()) throw IoError(path_ + ": cannot be read: " + std::strerror(errno ? errno : ENOENT));
  }
  void read(char* out, size_t count) {
    if (!file_.read(out, static_cast<std::streamsize>(count))) fail("the header ends early");
  }
  uint8_t byte() {
    char value;
    read(&value, 1);
    return static_cast<uint8_t>(value);
  }
  int64_t u16() {
    const int64_t high = byte();
    return high * 256 + byte();
  }
  void skip(int64_t count) {
    if (!file_.seekg(count, std::ios::cur)) fail("the header ends early");
  }
  [[noreturn]] void fail(const std::string& reason) const { throw FormatError(path_ + ": " + reason); }

 private:
  std::string path_;
  std::ifstream file_;
};

int64_t big_endian(const char* bytes) {
  int64_t value = 0;
  for (int i = 0; i < 4; ++i) value = value * 256 + static_cast<uint8_t>(bytes[i]);
  return value;
}

ImageSize png_size(HeaderReader& reader, const char* start) {
  std::array<char, kPngHeader> header;
  std::memcpy(header.data(), start, 2);
  reader.read(header.data() + 2, header.size() - 2);
  if (std::string_view(header.data(), 8) != kPngSignature || std::string_view(header.data() + 12, 4) != "IHDR")
    reader.fail("damaged PNG header");
  return {big_endian(&header[16]), big_endian(&header[20]), header[24] == 16 ? 16 : 8};
}

bool is_frame_header(int marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

ImageSize jpeg_size(HeaderReader& reader) {
  for (;;) {
    if (reader.byte() != 0xFF) reader.fail("damaged JPEG header: expected a marker");
    int marker = reader.byte();
    while (marker == 0xFF) marker = reader.byte();
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) continue;  // markers without content
    const int64_t length = reader.u16();
    if (length < 2 || marker == 0xD9 || marker == 0xDA) reader.fail("damaged JPEG header: no frame header");
    if (!is_frame_header(marker)) {
      reader.skip(length - 2);
      continue;
    }
    reader.skip(1);
    const int64_t height = reader.u16(), width = reader.u16();
    return {width, height, 8};
  }
}

}  // namespace

ImageSize read_image_size(const std::filesystem::path& path) {
  HeaderReader reader(path);
  std::array<char, 2> start;
  reader.read(start.data(), start.size());
  const std::string_view begin(start.data(), start.size());
  if (begin != kPngSignature.substr(0, 2) && begin != "\xFF\xD8") reader.fail("neither PNG nor JPEG");
  const ImageSize size = begin == "\xFF\xD8" ? jpeg_size(reader) : png_size(reader, start.data());
  if (size.width < 1 || size.height < 1) reader.fail("the image is empty");
  if (size.width > image::kMaxPixels / size.height)
    reader.fail("the image has " + std::to_string(size.width) + " x " + std::to_string(size.height) +
                " pixels, more than are read (" + std::to_string(image::kMaxPixels) + ")");
  return size;
}

}  // namespace sscvae::data
