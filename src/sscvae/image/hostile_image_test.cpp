#include <gtest/gtest.h>

#include <zlib.h>

#include <map>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/image/codecs.h"
#include "support/image_files.h"

/// Damaged image files end in a FormatError or in a whole image, never in anything else.
namespace sscvae::image {
namespace {

using sscvae::testing::jpeg_file;
using sscvae::testing::JpegSpec;
using sscvae::testing::picture_bytes;
using sscvae::testing::png_file;
using sscvae::testing::PngSpec;

/// Small files of every kind, by name.
std::map<std::string, std::string> sample_files() {
  std::map<std::string, std::string> files;
  const auto add_png = [&](const std::string& name, PngSpec spec) {
    spec.width = 11;
    spec.height = 9;
    spec.rows = picture_bytes(11 * 9 * 8);
    files["png " + name] = png_file(spec);
    spec.interlaced = true;
    files["png interlaced " + name] = png_file(spec);
  };
  add_png("grey 1", {.bit_depth = 1});
  add_png("grey 8", {});
  add_png("grey 16", {.bit_depth = 16});
  add_png("transparent", {.transparent_grey = 64});
  add_png("rgb", {.color_type = PNG_COLOR_TYPE_RGB});
  add_png("rgb alpha", {.color_type = PNG_COLOR_TYPE_RGBA});
  add_png("rgb alpha 16", {.bit_depth = 16, .color_type = PNG_COLOR_TYPE_RGBA});
  add_png("palette", {.bit_depth = 4,
                      .color_type = PNG_COLOR_TYPE_PALETTE,
                      .palette = std::vector<png_color>(16, {9, 8, 7}),
                      .palette_alpha = {1, 2, 3}});
  const auto add_jpeg = [&](const std::string& name, JpegSpec spec) {
    spec.width = 37;
    spec.height = 21;
    spec.samples = picture_bytes(37 * 21 * 4);
    files["jpeg " + name] = jpeg_file(spec);
    spec.progressive = true;
    files["jpeg progressive " + name] = jpeg_file(spec);
  };
  add_jpeg("grey", {.components = 1, .color_space = JCS_GRAYSCALE, .quality = 60});
  add_jpeg("colour", {.chroma_step = 2, .quality = 60});
  add_jpeg("restarts", {.restart_rows = 1, .quality = 60});
  add_jpeg("arithmetic", {.arithmetic = true, .quality = 60});
  add_jpeg("ycck", {.components = 4, .color_space = JCS_CMYK, .as_ycck = true, .quality = 60});
  return files;
}

/// Did it decode? Fails the test on any answer but an image or a FormatError of one line.
bool decodes(const std::string& bytes, const std::string& what) {
  try {
    check_consistent(decode_image(bytes, "sample"));
    return true;
  } catch (const FormatError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << what;
    EXPECT_EQ(std::string(error.what()).rfind("sample: ", 0), 0u) << what << ": " << error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << what << ": " << error.what();
  }
  return false;
}

TEST(HostileImage, SamplesAreSound) {
  for (const auto& [name, bytes] : sample_files()) EXPECT_TRUE(decodes(bytes, name)) << name;
}

/// A file without its end is read where no pixel is missing, and never with other pixels.
TEST(HostileImage, EveryTruncationIsRefusedOrWholeWithADefect) {
  for (const auto& [name, bytes] : sample_files()) {
    const Image whole = decode_image(bytes, "sample");
    EXPECT_EQ(whole.defect, "") << name;
    size_t first_accepted = bytes.size();
    for (size_t length = 0; length < bytes.size(); ++length) {
      if (!decodes(bytes.substr(0, length), name)) continue;
      first_accepted = std::min(first_accepted, length);
      const Image cut = decode_image(bytes.substr(0, length), "sample");
      EXPECT_EQ(cut.bytes, whole.bytes) << name << " cut to " << length << " of " << bytes.size();
      EXPECT_EQ(cut.defect, kEndMissing) << name << " cut to " << length;
    }
    const bool is_png_name = name.starts_with("png");
    const size_t end = is_png_name ? 12 : 2;  // IEND, EOI
    if (name.find("arithmetic") == std::string::npos)
      EXPECT_EQ(first_accepted, bytes.size() - end) << name << " of " << bytes.size();
    else EXPECT_EQ(first_accepted, bytes.size()) << name;
  }
}

TEST(HostileImage, ByteFlipsAreAnsweredCleanly) {
  size_t refused = 0, tried = 0;
  for (const auto& [name, bytes] : sample_files())
    for (size_t i = 0; i < bytes.size(); ++i)
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ flip);
        refused += !decodes(damaged, name + " byte " + std::to_string(i));
        ++tried;
      }
  EXPECT_GT(refused, tried / 3);
}

TEST(HostileImage, FlippedPngDataIsNoticedByItsCheckSum) {
  const std::string bytes = png_file({.width = 11, .height = 9, .rows = picture_bytes(99)});
  const size_t data = bytes.find("IDAT") + 4;
  for (size_t i = data; i + 16 < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_FALSE(decodes(damaged, "IDAT")) << i;
  }
}

TEST(HostileImage, RandomDamageIsAnsweredCleanly) {
  Random random(7);
  size_t refused = 0;
  for (const auto& [name, bytes] : sample_files())
    for (int trial = 0; trial < 100; ++trial) {
      std::string damaged = bytes;
      for (int64_t edits = 1 + random.below(8); edits > 0; --edits) {
        const auto at = static_cast<size_t>(random.below(static_cast<int64_t>(damaged.size())));
        const auto length = static_cast<size_t>(random.below(12));
        if (random.below(3) == 0) damaged.erase(at, length);
        else if (random.below(2) == 0) damaged.insert(at, damaged.substr(damaged.size() / 2, length));
        else damaged[at] = static_cast<char>(random.below(256));
        if (damaged.empty()) damaged = "x";
      }
      refused += !decodes(damaged, name);
    }
  EXPECT_GT(refused, 100u);
}

std::string with_png_size(std::string bytes, uint32_t width, uint32_t height) {
  for (int i = 0; i < 4; ++i) {
    bytes[16 + i] = static_cast<char>(width >> (24 - 8 * i));
    bytes[20 + i] = static_cast<char>(height >> (24 - 8 * i));
  }
  const auto crc = static_cast<uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()) + 12, 17));
  for (int i = 0; i < 4; ++i) bytes[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
  return bytes;
}

TEST(HostileImage, PngThatClaimsMoreThanItsBytesCanHoldIsRefusedAtOnce) {
  const std::string small = png_file({.width = 4, .height = 4, .color_type = PNG_COLOR_TYPE_RGB});
  for (const auto& [width, height] : std::vector<std::pair<uint32_t, uint32_t>>{
           {16000, 16000}, {268435456, 1}, {1, 268435456}, {2147483647, 2147483647}, {65536, 65536}, {0, 5}})
    EXPECT_FALSE(decodes(with_png_size(small, width, height), "size")) << width << "x" << height;
}

TEST(HostileImage, JpegThatClaimsMoreThanItsBytesCanHoldIsRefusedAtOnce) {
  for (const bool progressive : {false, true}) {
    std::string bytes = jpeg_file({.width = 8, .height = 8, .progressive = progressive});
    const size_t frame = bytes.find(progressive ? "\xff\xc2" : "\xff\xc0");
    ASSERT_NE(frame, std::string::npos);
    for (const int side : {65500, 65535, 16000}) {
      bytes[frame + 5] = bytes[frame + 7] = static_cast<char>(side >> 8);
      bytes[frame + 6] = bytes[frame + 8] = static_cast<char>(side);
      EXPECT_FALSE(decodes(bytes, "size")) << side;
    }
  }
}

/// A blank image is the densest there is: it must not be taken for a lie.
TEST(HostileImage, BlankImagesOfHighestCompressionAreAccepted) {
  EXPECT_TRUE(decodes(png_file({.width = 3000, .height = 3000, .bit_depth = 1}), "png"));
  EXPECT_TRUE(
      decodes(jpeg_file({.width = 3000, .height = 2000, .components = 1, .color_space = JCS_GRAYSCALE}), "jpeg"));
  EXPECT_TRUE(
      decodes(jpeg_file({.width = 3000, .height = 2000, .progressive = true, .chroma_step = 2}), "progressive"));
  EXPECT_TRUE(decodes(jpeg_file({.width = 3000, .height = 2000, .arithmetic = true, .chroma_step = 2}), "arithmetic"));
}

TEST(HostileImage, ProgressiveBombOfManyScansIsRefused) {
  std::string bytes =
      jpeg_file({.width = 64, .height = 64, .components = 1, .color_space = JCS_GRAYSCALE, .progressive = true});
  const size_t last_scan = bytes.rfind("\xff\xda");
  const std::string scan = bytes.substr(last_scan, bytes.size() - 2 - last_scan);
  bytes.resize(bytes.size() - 2);
  for (int i = 0; i < 2000; ++i) bytes += scan;
  bytes += "\xff\xd9";
  EXPECT_FALSE(decodes(bytes, "scans"));
}

TEST(HostileImage, EveryByteStringIsAnswered) {
  Random random(11);
  for (int trial = 0; trial < 300; ++trial) {
    std::string bytes = trial % 2 ? "\x89PNG\r\n\x1a\n" : "\xff\xd8\xff";
    for (int64_t i = random.below(200); i > 0; --i) bytes.push_back(static_cast<char>(random.below(256)));
    EXPECT_FALSE(decodes(bytes, "noise"));
  }
}

}  // namespace
}  // namespace sscvae::image
