#include "sscvae/image/metadata.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"

namespace sscvae::image {

namespace {

constexpr uint64_t kOrientationTag = 0x0112, kExifFolderTag = 0x8769, kWidthTag = 0xA002, kHeightTag = 0xA003;
constexpr uint64_t kThumbnailTags[][2] = {{0x0201, 0x0202}, {0x0111, 0x0117}};  // offset and length: JPEG, raw
constexpr size_t kEntryBytes = 12, kShortType = 3, kLongType = 4;

/// Numbers in EXIF data, by position. Reading beyond the end gives 0, writing there does nothing.
class ExifBytes {
 public:
  explicit ExifBytes(std::string_view bytes) : bytes_(bytes), little_(bytes.starts_with("II")) {}

  bool is_valid() const {
    using namespace std::string_view_literals;
    const std::string_view start(bytes_.data(), std::min<size_t>(4, bytes_.size()));
    return (start == "II*\0"sv || start == "MM\0*"sv) && has(folder(), 2);
  }
  bool has(uint64_t at, uint64_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  uint64_t get(uint64_t at, size_t count) const {
    uint64_t value = 0;
    for (size_t i = 0; has(at, count) && i < count; ++i)
      value = value * 256 + static_cast<uint8_t>(bytes_[at + (little_ ? count - 1 - i : i)]);
    return value;
  }
  void put(uint64_t at, size_t count, uint64_t value) {
    for (size_t i = 0; has(at, count) && i < count; ++i)
      bytes_[at + (little_ ? i : count - 1 - i)] = static_cast<char>(value >> (8 * i));
  }
  /// The first folder, and where the offset of the second stands.
  uint64_t folder() const { return get(4, 4); }
  uint64_t link_after(uint64_t folder) const { return folder + 2 + kEntryBytes * get(folder, 2); }
  /// Where the value of a tag stands and how many bytes it has; {0, 0} unless it is one short or long number.
  std::pair<uint64_t, size_t> find(uint64_t folder, uint64_t tag) const {
    for (uint64_t i = 0, count = get(folder, 2); i < count; ++i) {
      const uint64_t entry = folder + 2 + kEntryBytes * i, type = get(entry + 2, 2);
      if (get(entry, 2) != tag || get(entry + 4, 4) != 1 || !has(entry, kEntryBytes)) continue;
      if (type == kShortType || type == kLongType) return {entry + 8, type == kShortType ? 2 : 4};
    }
    return {0, 0};
  }
  uint64_t number(uint64_t folder, uint64_t tag) const {
    const auto [at, size] = find(folder, tag);
    return get(at, size);
  }
  void blank(uint64_t at, uint64_t count) {
    if (has(at, count)) bytes_.replace(at, count, count, '\0');
  }
  void cut_to(uint64_t size) { bytes_.resize(size); }
  size_t size() const { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  bool little_;
};

void remove_thumbnail(ExifBytes& exif) {
  const uint64_t link = exif.link_after(exif.folder()), folder = exif.get(link, 4);
  exif.put(link, 4, 0);
  if (folder == 0 || !exif.has(folder, 2)) return;
  uint64_t end = exif.size();
  for (const auto& [offset_tag, length_tag] : kThumbnailTags) {
    const uint64_t offset = exif.number(folder, offset_tag), length = exif.number(folder, length_tag);
    if (offset == 0 || length == 0 || !exif.has(offset, length)) continue;
    exif.blank(offset, length);
    if (offset + length + 1 >= exif.size() && offset > folder) end = offset;  // one byte may pad to an even length
  }
  exif.blank(folder, exif.link_after(folder) + 4 - folder);
  exif.cut_to(end);
}

void swap_sides(ExifBytes& exif) {
  const uint64_t folder = exif.number(exif.folder(), kExifFolderTag);
  const auto [width_at, width_size] = exif.find(folder, kWidthTag);
  const auto [height_at, height_size] = exif.find(folder, kHeightTag);
  if (width_size == 0 || width_size != height_size) return;
  const uint64_t width = exif.get(width_at, width_size);
  exif.put(width_at, width_size, exif.get(height_at, height_size));
  exif.put(height_at, height_size, width);
}

/// Pixels of `size` bytes, turned. Orientation 5 and above: rows become columns.
std::vector<uint8_t> turned(const std::vector<uint8_t>& pixels, int64_t width, int64_t height, size_t size,
                            int orientation) {
  const bool swaps = orientation >= 5;
  const bool mirrors_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirrors_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  std::vector<uint8_t> result(pixels.size());
  uint8_t* to = result.data();
  for (int64_t y = 0; y < (swaps ? width : height); ++y)
    for (int64_t x = 0; x < (swaps ? height : width); ++x, to += size) {
      const int64_t column = swaps ? y : x, row = swaps ? x : y;
      const int64_t from = (mirrors_y ? height - 1 - row : row) * width + (mirrors_x ? width - 1 - column : column);
      std::memcpy(to, &pixels[static_cast<size_t>(from) * size], size);
    }
  return result;
}

bool profile_fits(const std::string& icc, int64_t channels) {
  return icc.size() >= 20 && icc.compare(16, 4, channels == 1 ? "GRAY" : "RGB ") == 0;
}

}  // namespace

int exif_orientation(std::string_view bytes) {
  const ExifBytes exif(bytes);
  const uint64_t value = exif.is_valid() ? exif.number(exif.folder(), kOrientationTag) : 1;
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

std::string upright_exif(std::string_view bytes, bool turned) {
  ExifBytes exif(bytes);
  if (!exif.is_valid()) return "";
  const auto [at, size] = exif.find(exif.folder(), kOrientationTag);
  exif.put(at, size, 1);
  if (turned) swap_sides(exif);
  remove_thumbnail(exif);
  return exif.take();
}

void turn_upright(Image& image) {
  check_consistent(image);
  const int orientation = exif_orientation(image.exif);
  const bool swaps = orientation >= 5, was_there = !image.exif.empty();
  image.exif = upright_exif(image.exif, swaps);
  if (was_there && image.exif.empty()) add_remark(image, "damaged EXIF data left out");
  if (orientation == 1) return;
  const size_t sample = static_cast<size_t>(image.bit_depth / 8), size = sample * static_cast<size_t>(image.channels);
  image.bytes = turned(image.bytes, image.width, image.height, size, orientation);
  if (!image.alpha.empty()) image.alpha = turned(image.alpha, image.width, image.height, sample, orientation);
  if (swaps) std::swap(image.width, image.height);
  add_remark(image, format("turned upright (EXIF orientation %d)", orientation));
}

std::vector<std::string> carry_over(const Image& original, Image& result, FileFormat format) {
  std::vector<std::string> lost;
  const bool jpeg = format == FileFormat::kJpeg;
  if (original.bit_depth > result.bit_depth) lost.push_back("depth of 16 bits");
  if (!jpeg && original.bit_depth == result.bit_depth) {
    result.alpha = original.alpha;
    result.significant_bits = original.significant_bits;
  }
  if (result.alpha.empty() && !original.alpha.empty()) lost.push_back("opacity");
  if (profile_fits(original.icc, result.channels)) result.icc = original.icc;
  else if (!original.icc.empty()) lost.push_back("colour profile");
  if (!jpeg || original.exif.size() <= kMaxJpegExif) result.exif = original.exif;
  else lost.push_back("EXIF data");
  return lost;
}

}  // namespace sscvae::image
