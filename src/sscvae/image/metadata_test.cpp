#include "sscvae/image/metadata.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "sscvae/core/error.h"
#include "sscvae/image/codecs.h"
#include "sscvae/image/synthetic.h"
#include "support/image_files.h"
#include "support/paths.h"

namespace sscvae::image {
namespace {

using sscvae::testing::picture_bytes;
using Bytes = std::vector<uint8_t>;

std::string number(uint64_t value, int count, bool little) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * (little ? i : count - 1 - i)));
  return text;
}

std::string entry(uint64_t tag, int type, uint64_t value, bool little) {
  const std::string short_value = number(value, 2, little) + std::string(2, '\0');
  return number(tag, 2, little) + number(static_cast<uint64_t>(type), 2, little) + number(1, 4, little) +
         (type == 3 ? short_value : number(value, 4, little));
}

/// Orientation, a folder with the sides 40x30 in pixels, and a thumbnail "THUMB" at the end.
std::string exif_data(int orientation, bool little) {
  const auto put = [little](uint64_t value, int count) { return number(value, count, little); };
  std::string bytes = (little ? "II" : "MM") + put(42, 2) + put(8, 4);
  bytes += put(2, 2) + entry(0x0112, 3, static_cast<uint64_t>(orientation), little) + entry(0x8769, 4, 38, little) +
           put(68, 4);                                                                           // at 8
  bytes += put(2, 2) + entry(0xA002, 4, 40, little) + entry(0xA003, 4, 30, little) + put(0, 4);  // at 38
  bytes += put(2, 2) + entry(0x0201, 4, 98, little) + entry(0x0202, 4, 5, little) + put(0, 4);   // at 68
  return bytes + "THUMB";
}

/// A header and one tag of 600 bytes: a profile as far as libpng checks one.
std::string profile(const std::string& space) {
  std::string icc(144, '\0');
  icc.replace(0, 4, number(744, 4, false));
  icc.replace(128, 16, number(1, 4, false) + "desc" + number(144, 4, false) + number(600, 4, false));
  icc.replace(8, 4, std::string("\x02\x40\0\0", 4));
  icc.replace(12, 8, "mntr" + space);
  icc.replace(20, 4, "XYZ ");
  icc.replace(36, 4, "acsp");
  icc.replace(68, 12, std::string("\0\0\xf6\xd6\0\x01\0\0\0\0\xd3\x2d", 12));
  for (const uint8_t byte : picture_bytes(600)) icc += static_cast<char>(byte);
  return icc;
}

TEST(Exif, OrientationIsReadInBothByteOrders) {
  for (const bool little : {false, true})
    for (int orientation = 1; orientation <= 8; ++orientation)
      EXPECT_EQ(exif_orientation(exif_data(orientation, little)), orientation);
  EXPECT_EQ(exif_orientation(exif_data(9, true)), 1);
  EXPECT_EQ(exif_orientation(""), 1);
}

TEST(Exif, UprightDataHasNoThumbnailAndTheSidesOfTheResult) {
  for (const bool little : {false, true}) {
    const std::string exif = upright_exif(exif_data(6, little), true);
    EXPECT_EQ(exif_orientation(exif), 1);
    EXPECT_EQ(exif.find("THUMB"), std::string::npos);
    EXPECT_EQ(exif.size(), 98u);
    EXPECT_EQ(exif.substr(38 + 2 + 8, 4), number(30, 4, little));
    EXPECT_EQ(exif.substr(38 + 14 + 8, 4), number(40, 4, little));
    EXPECT_EQ(exif.substr(34, 4), std::string(4, '\0')) << "no link to the thumbnail's folder";
    EXPECT_EQ(upright_exif(exif_data(6, little), false).substr(38 + 2 + 8, 4), number(40, 4, little));
  }
}

TEST(Exif, DamageIsAnsweredCleanly) {
  const std::string good = exif_data(6, true);
  for (size_t i = 0; i < good.size(); ++i)
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      EXPECT_LE(upright_exif(bad, true).size(), good.size());
      EXPECT_LE(upright_exif(good.substr(0, i), true).size(), i);
    }
  EXPECT_EQ(upright_exif("GIF89a, no EXIF data", true), "");
}

/// What the tag means, from the EXIF standard: where row 0 and column 0 of the file belong on the screen.
TEST(TurnUpright, EveryOrientation) {
  const Bytes stored{1, 2, 3, 4, 5, 6};  // 3x2
  const std::map<int, Bytes> expected{{1, {1, 2, 3, 4, 5, 6}}, {2, {3, 2, 1, 6, 5, 4}}, {3, {6, 5, 4, 3, 2, 1}},
                                      {4, {4, 5, 6, 1, 2, 3}}, {5, {1, 4, 2, 5, 3, 6}}, {6, {4, 1, 5, 2, 6, 3}},
                                      {7, {6, 3, 5, 2, 4, 1}}, {8, {3, 6, 2, 5, 1, 4}}};
  for (const auto& [orientation, bytes] : expected) {
    Image image;
    image.width = 3;
    image.height = 2;
    image.bytes = image.alpha = stored;
    image.exif = exif_data(orientation, true);
    turn_upright(image);
    EXPECT_EQ(image.bytes, bytes) << orientation;
    EXPECT_EQ(image.alpha, bytes) << orientation;
    EXPECT_EQ(image.width, orientation < 5 ? 3 : 2);
    EXPECT_EQ(exif_orientation(image.exif), 1);
    EXPECT_EQ(image.remarks.empty(), orientation == 1);
  }
}

Image with_everything(int bit_depth) {
  Image image = from_array(to_array(dead_leaves(1, 9, 7, 3)), bit_depth);
  image.alpha = picture_bytes(static_cast<size_t>(9 * 7 * bit_depth / 8));
  image.icc = profile("RGB ");
  image.exif = upright_exif(exif_data(1, true), false);
  image.significant_bits = bit_depth - 3;
  return image;
}

TEST(Metadata, PngKeepsEverything) {
  for (const int bit_depth : {8, 16}) {
    const Image image = with_everything(bit_depth);
    const std::string file = encode_png(image);
    EXPECT_EQ(file.find("eXIf"), file.rfind("eXIf")) << "once";
    const Image read = decode_image(file, "x", Alpha::kKeep);
    EXPECT_EQ(read.bytes, image.bytes);
    EXPECT_EQ(read.alpha, image.alpha);
    EXPECT_EQ(read.icc, image.icc);
    EXPECT_EQ(read.exif, image.exif);
    EXPECT_EQ(read.significant_bits, bit_depth - 3);
    EXPECT_EQ(read.remarks, "");
  }
}

TEST(Metadata, JpegKeepsProfileAndExif) {
  Image image = with_everything(8);
  EXPECT_THROW(encode_jpeg(image, 90), UsageError);
  image.alpha.clear();
  const Image read = decode_image(encode_jpeg(image, 90), "x");
  EXPECT_EQ(read.icc, image.icc);
  EXPECT_EQ(read.exif, image.exif);
  EXPECT_EQ(read.format, FileFormat::kJpeg);
  image.icc = profile("RGB ") + std::string(200000, 'x');  // needs several markers
  EXPECT_EQ(decode_image(encode_jpeg(image, 90), "x").icc, image.icc);
}

TEST(CarryOver, NamesWhatIsLost) {
  const Image original = with_everything(16);
  Image same = from_array(to_array(original), 16), small = from_array(to_array(original), 8);
  EXPECT_EQ(carry_over(original, same, FileFormat::kPng), std::vector<std::string>{});
  EXPECT_EQ(std::tie(same.alpha, same.icc, same.exif), std::tie(original.alpha, original.icc, original.exif));
  EXPECT_EQ(carry_over(original, small, FileFormat::kJpeg), (std::vector<std::string>{"depth of 16 bits", "opacity"}));
  Image grey = with_channels(same, 1);
  EXPECT_EQ(carry_over(original, grey, FileFormat::kPng), (std::vector<std::string>{"colour profile"}));
  EXPECT_EQ(grey.icc, "");
  Image noted = original;
  noted.exif = std::string(kMaxJpegExif + 1, 'x');
  EXPECT_EQ(carry_over(noted, small, FileFormat::kJpeg).back(), "EXIF data");
}

}  // namespace
}  // namespace sscvae::image
