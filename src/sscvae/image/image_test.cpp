#include "sscvae/image/image.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/nn/arrays.h"
#include "support/image_files.h"
#include "support/paths.h"

namespace sscvae::image {
namespace {

using sscvae::testing::jpeg_file;
using sscvae::testing::JpegSpec;
using sscvae::testing::picture_bytes;
using sscvae::testing::png_file;
using sscvae::testing::PngSpec;
using Bytes = std::vector<uint8_t>;

std::vector<uint16_t> words(const Image& image) {
  const auto* begin = reinterpret_cast<const uint16_t*>(image.bytes.data());
  return {begin, begin + image.bytes.size() / 2};
}

Image make(int64_t width, int64_t height, int64_t channels, Bytes bytes, int bit_depth = 8) {
  Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  image.bit_depth = bit_depth;
  image.bytes = std::move(bytes);
  return image;
}

Image make16(int64_t width, int64_t height, int64_t channels, const std::vector<uint16_t>& samples) {
  const auto* begin = reinterpret_cast<const uint8_t*>(samples.data());
  return make(width, height, channels, Bytes(begin, begin + 2 * samples.size()), 16);
}

int64_t largest_difference(const Image& a, const Image& b) {
  int64_t largest = a.bytes.size() == b.bytes.size() ? 0 : 1000;
  for (size_t i = 0; i < a.bytes.size() && largest < 1000; ++i)
    largest = std::max<int64_t>(largest, std::abs(a.bytes[i] - b.bytes[i]));
  return largest;
}

TEST(DecodePng, SmallGreyDepthsScaleExactly) {
  PngSpec spec{.width = 4, .height = 1, .bit_depth = 2, .rows = {0b00011011}};
  EXPECT_EQ(decode_image(png_file(spec), "x").bytes, (Bytes{0, 85, 170, 255}));
  spec.bit_depth = 1;
  spec.rows = {0b01100000};
  EXPECT_EQ(decode_image(png_file(spec), "x").bytes, (Bytes{0, 255, 255, 0}));
  spec.bit_depth = 4;
  spec.rows = {0x0F, 0x18};
  const Image image = decode_image(png_file(spec), "x");
  EXPECT_EQ(image.bytes, (Bytes{0, 255, 17, 136}));
  EXPECT_EQ(image.bit_depth, 8);
  EXPECT_EQ(image.remarks, "");
}

TEST(DecodePng, SixteenBitsStay) {
  const Image image =
      decode_image(png_file({.width = 2, .height = 1, .bit_depth = 16, .rows = {0x12, 0x34, 0xFF, 0xFE}}), "x");
  EXPECT_EQ(image.bit_depth, 16);
  EXPECT_EQ(words(image), (std::vector<uint16_t>{0x1234, 0xFFFE}));
}

TEST(DecodePng, PaletteBecomesColourOrGrey) {
  PngSpec spec{.width = 3,
               .height = 1,
               .bit_depth = 8,
               .color_type = PNG_COLOR_TYPE_PALETTE,
               .rows = {2, 0, 1},
               .palette = {{1, 2, 3}, {4, 5, 6}, {7, 7, 7}}};
  const Image colour = decode_image(png_file(spec), "x");
  EXPECT_EQ(colour.channels, 3);
  EXPECT_EQ(colour.bytes, (Bytes{7, 7, 7, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(colour.remarks, "palette");
  spec.palette = {{1, 1, 1}, {5, 5, 5}, {7, 7, 7}};
  const Image grey = decode_image(png_file(spec), "x");
  EXPECT_EQ(grey.channels, 1);
  EXPECT_EQ(grey.bytes, (Bytes{7, 1, 5}));
}

TEST(DecodePng, AlphaIsBlendedOverBlack) {
  const Image grey = decode_image(
      png_file(
          {.width = 3, .height = 1, .color_type = PNG_COLOR_TYPE_GRAY_ALPHA, .rows = {200, 255, 200, 0, 200, 128}}),
      "x");
  EXPECT_EQ(grey.channels, 1);
  EXPECT_EQ(grey.bytes, (Bytes{200, 0, 100}));  // round(200 * 128 / 255) = round(100.39)
  EXPECT_EQ(grey.remarks, "alpha blended over black");
  const Image colour = decode_image(png_file({.width = 1,
                                              .height = 1,
                                              .bit_depth = 16,
                                              .color_type = PNG_COLOR_TYPE_RGBA,
                                              .rows = {0xFF, 0xFF, 0x80, 0, 0, 1, 0x80, 0}}),
                                    "x");
  EXPECT_EQ(colour.channels, 3);
  EXPECT_EQ(words(colour), (std::vector<uint16_t>{0x8000, 0x4000, 1}));  // times 32768 / 65535, rounded
}

TEST(DecodePng, TransparencyIsBlendedOverBlack) {
  const Image grey = decode_image(png_file({.width = 2, .height = 1, .rows = {9, 10}, .transparent_grey = 10}), "x");
  EXPECT_EQ(grey.bytes, (Bytes{9, 0}));
  EXPECT_EQ(grey.remarks, "alpha blended over black");
  const Image palette = decode_image(png_file({.width = 2,
                                               .height = 1,
                                               .color_type = PNG_COLOR_TYPE_PALETTE,
                                               .rows = {0, 1},
                                               .palette = {{100, 50, 0}, {10, 20, 30}},
                                               .palette_alpha = {51}}),
                                     "x");
  EXPECT_EQ(palette.bytes, (Bytes{20, 10, 0, 10, 20, 30}));
}

TEST(DecodePng, InterlacedEqualsPlain) {
  for (const int depth : {1, 2, 4, 8, 16})
    for (const uint32_t side : {1u, 2u, 5u, 9u, 33u}) {
      PngSpec spec{.width = side, .height = side + 3, .bit_depth = depth, .rows = picture_bytes(2 * side * (side + 3))};
      const Image plain = decode_image(png_file(spec), "x");
      spec.interlaced = true;
      EXPECT_EQ(decode_image(png_file(spec), "x").bytes, plain.bytes) << depth << " bits, side " << side;
    }
}

TEST(EncodePng, RoundTripsEveryKind) {
  for (const int64_t channels : {1, 3})
    for (const int depth : {8, 16}) {
      const Image image = make(7, 5, channels, picture_bytes(static_cast<size_t>(35 * channels * depth / 8)), depth);
      const Image back = decode_image(encode_png(image), "x");
      EXPECT_EQ(back.bytes, image.bytes);
      EXPECT_EQ(back.channels, channels);
      EXPECT_EQ(back.bit_depth, depth);
      EXPECT_EQ(back.width, 7);
    }
}

/// Made by Pillow 12 from waves of colour; the numbers are zlib.crc32 of what Pillow decodes from them.
struct Foreign {
  const char* name;
  const char* hex;
  int64_t width, height, channels;
  uint32_t crc;
};
const Foreign kForeign[] = {
#include "support/foreign_files.inc"
};

TEST(DecodeJpeg, EqualsPillow) {
  for (const Foreign& file : kForeign) {
    std::string bytes;
    for (const char* digit = file.hex; *digit; digit += 2)
      bytes.push_back(static_cast<char>(std::stoi(std::string(digit, 2), nullptr, 16)));
    const Image image = decode_image(bytes, file.name);
    EXPECT_EQ(image.width, file.width) << file.name;
    EXPECT_EQ(image.height, file.height) << file.name;
    EXPECT_EQ(image.channels, file.channels) << file.name;
    EXPECT_EQ(::crc32(0, image.bytes.data(), static_cast<uInt>(image.bytes.size())), file.crc) << file.name;
  }
}

TEST(DecodeJpeg, ProgressiveArithmeticAndRestartsEqualBaseline) {
  JpegSpec spec{.width = 45, .height = 37, .samples = picture_bytes(45 * 37 * 3)};
  const Image baseline = decode_image(jpeg_file(spec), "x");
  for (int kind = 0; kind < 3; ++kind) {
    JpegSpec other = spec;
    other.progressive = kind == 0;
    other.arithmetic = kind == 1;
    other.restart_rows = kind == 2 ? 1 : 0;
    EXPECT_EQ(decode_image(jpeg_file(other), "x").bytes, baseline.bytes) << kind;
  }
}

TEST(DecodeJpeg, CmykAndYcckBecomeColour) {
  // Inverted inks, as Adobe's marker says that libjpeg writes: 255 is no ink.
  JpegSpec spec{.width = 16, .height = 8, .components = 4, .color_space = JCS_CMYK, .quality = 100};
  for (int i = 0; i < 16 * 8; ++i) spec.samples.insert(spec.samples.end(), {255, 128, 0, 200});
  for (const bool ycck : {false, true}) {
    spec.as_ycck = ycck;
    const Image image = decode_image(jpeg_file(spec), "x");
    EXPECT_EQ(image.channels, 3);
    EXPECT_EQ(image.remarks, "CMYK");
    EXPECT_NEAR(image.bytes[0], 200, 2);
    EXPECT_NEAR(image.bytes[1], 100, 2);
    EXPECT_NEAR(image.bytes[2], 0, 2);
  }
}

TEST(WriteImage, JpegKeepsColourAtFullResolution) {
  const sscvae::testing::TemporaryFolder folder;
  Bytes bytes;
  for (int i = 0; i < 32 * 32; ++i) bytes.insert(bytes.end(), {static_cast<uint8_t>(i % 2 ? 200 : 60), 90, 120});
  const Image image = make(32, 32, 3, bytes);
  write_image(folder / "x.JPeG", image);
  EXPECT_LE(largest_difference(read_image(folder / "x.JPeG"), image), 12);
}

TEST(WriteImage, WritesByExtensionAndReadsByContent) {
  const sscvae::testing::TemporaryFolder folder;
  const Image image = make(5, 4, 1, picture_bytes(20));
  write_image(folder / "x.png", image);
  std::filesystem::rename(folder / "x.png", folder / "x.jpg");
  EXPECT_EQ(read_image(folder / "x.jpg").bytes, image.bytes);
  EXPECT_THROW(write_image(folder / "x.tiff", image), UsageError);
  EXPECT_THROW(write_image(folder / "x.jpg", make16(1, 1, 1, {7})), UsageError);
  EXPECT_THROW(write_image(folder / "missing" / "x.png", image), IoError);
  EXPECT_THROW(write_image(folder / "wide.jpg", make(70000, 1, 1, Bytes(70000))), UsageError);
  EXPECT_THROW(read_image(folder / "absent.png"), IoError);
}

TEST(ReadImage, ForeignContentIsNamed) {
  const sscvae::testing::TemporaryFolder folder;
  std::ofstream(folder / "note.png") << "just text";
  try {
    read_image(folder / "note.png");
    FAIL() << "accepted";
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find("note.png: neither PNG nor JPEG"), std::string::npos) << error.what();
  }
  EXPECT_THROW(decode_image("", "empty"), FormatError);
}

TEST(HasImageExtension, KnowsThreeInAnyCase) {
  for (const char* name : {"a.png", "a.PNG", "b/c.Jpg", "d.jpeg"}) EXPECT_TRUE(has_image_extension(name)) << name;
  for (const char* name : {"a", "png", ".png", "a.png.txt", "a.tiff"}) EXPECT_FALSE(has_image_extension(name)) << name;
}

TEST(ToArray, IsSampleOverMaximum) {
  const Array array = to_array(make(2, 1, 3, {0, 51, 255, 255, 102, 0}));
  ASSERT_EQ(array.sizes(), (Sizes{3, 1, 2}));
  const float* v = array.data<float>();
  EXPECT_EQ((std::vector<float>(v, v + 6)), (std::vector<float>{0, 1, 51 / 255.0f, 102 / 255.0f, 1, 0}));
  EXPECT_EQ(to_array(make16(1, 1, 1, {0x8000})).item<float>(), 0x8000 / 65535.0f);
}

TEST(FromArray, UndoesToArrayExactly) {
  Bytes all(256);
  std::vector<uint16_t> all16(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  for (size_t i = 0; i < all16.size(); ++i) all16[i] = static_cast<uint16_t>(i);
  EXPECT_EQ(from_array(to_array(make(16, 16, 1, all))).bytes, all);
  EXPECT_EQ(words(from_array(to_array(make16(256, 256, 1, all16)), 16)), all16);
  const Image colour = make(4, 3, 3, picture_bytes(36));
  EXPECT_EQ(from_array(to_array(colour).unsqueeze(0)).bytes, colour.bytes);
}

TEST(FromArray, ClampsRoundsAndChecks) {
  const auto grey = [](double value) { return int{from_array(at::full({1, 1, 1}, value, at::kDouble)).bytes.at(0)}; };
  EXPECT_EQ(grey(-3), 0);
  EXPECT_EQ(grey(7), 255);
  EXPECT_EQ(grey(std::numeric_limits<double>::quiet_NaN()), 0);
  EXPECT_EQ(grey(100.49 / 255), 100);
  EXPECT_EQ(grey(100.51 / 255), 101);
  EXPECT_THROW(from_array(at::zeros({2, 4, 4})), ShapeError);
  EXPECT_THROW(from_array(at::zeros({2, 1, 4, 4})), ShapeError);
  EXPECT_THROW(from_array(at::zeros({1, 0, 4})), ShapeError);
  EXPECT_THROW(from_array(at::zeros({1, 4, 4}), 12), UsageError);
}

TEST(WithChannels, GreyIsBt601InPillowsIntegers) {
  const Image colour = make(4, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255});
  EXPECT_EQ(with_channels(colour, 1).bytes, (Bytes{76, 150, 29, 255}));
  EXPECT_EQ(words(with_channels(make16(2, 1, 3, {65535, 0, 0, 65535, 65535, 65535}), 1)),
            (std::vector<uint16_t>{19595, 65535}));
  const Image leaves = dead_leaves(3, 40, 30, 3), grey = with_channels(leaves, 1);
  for (size_t i = 0; i < grey.bytes.size(); ++i) {
    const double exact =
        0.299 * leaves.bytes[3 * i] + 0.587 * leaves.bytes[3 * i + 1] + 0.114 * leaves.bytes[3 * i + 2];
    EXPECT_NEAR(grey.bytes[i], exact, 0.51);
  }
}

TEST(WithChannels, GreyToColourRepeats) {
  EXPECT_EQ(with_channels(make(2, 1, 1, {3, 250}), 3).bytes, (Bytes{3, 3, 3, 250, 250, 250}));
  EXPECT_EQ(words(with_channels(make16(1, 1, 1, {1000}), 3)), (std::vector<uint16_t>{1000, 1000, 1000}));
  EXPECT_EQ(with_channels(make(2, 1, 1, {3, 250}), 1).bytes, (Bytes{3, 250}));
  EXPECT_THROW(with_channels(make(1, 1, 1, {3}), 2), UsageError);
}

}  // namespace
}  // namespace sscvae::image
