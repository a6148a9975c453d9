#include "sscvae/image/value_range.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "support/image_files.h"

namespace sscvae::image {
namespace {

Image samples(const std::vector<uint16_t>& values, int bit_depth) {
  Image image;
  image.width = static_cast<int64_t>(values.size());
  image.height = 1;
  image.bit_depth = bit_depth;
  for (const uint16_t value : values) {
    image.bytes.push_back(static_cast<uint8_t>(value));  // little endian, as the machines that this is tested on
    if (bit_depth == 16) image.bytes.push_back(static_cast<uint8_t>(value >> 8));
  }
  return image;
}

ValueRange automatic(const Image& image) { return find_range(image, {}).range; }

TEST(FindRange, TheSmallestUsualDepthThatHoldsEverySample) {
  EXPECT_EQ(automatic(samples({3, 200}, 16)), full_range(8));
  EXPECT_EQ(automatic(samples({3, 256}, 16)), full_range(10));
  EXPECT_EQ(automatic(samples({3, 1024}, 16)), full_range(12));
  EXPECT_EQ(automatic(samples({3, 4095}, 16)), full_range(12));
  EXPECT_EQ(automatic(samples({3, 4096}, 16)), full_range(14));
  EXPECT_EQ(automatic(samples({3, 16384}, 16)), full_range(16));
  EXPECT_EQ(automatic(samples({0, 0}, 16)), full_range(16));
  EXPECT_EQ(automatic(samples({3, 100}, 8)), full_range(8));
  EXPECT_EQ(find_range(samples({3, 4000}, 16), {}).reason, "no sample is above 4000");
  EXPECT_EQ(find_range(samples({3, 40000}, 16), {}).reason, "");
}

TEST(FindRange, WhatTheFileStatesComesFirst) {
  Image image = samples({3, 700}, 16);
  image.significant_bits = 12;
  EXPECT_EQ(automatic(image), full_range(12));
  image = samples({3, 60000}, 16);  // spread over 16 bits, as PNG wants it
  image.significant_bits = 12;
  EXPECT_EQ(automatic(image), full_range(16));
}

TEST(FindRange, FullAndGiven) {
  EXPECT_EQ(find_range(samples({3, 100}, 16), parse_range("x", "full")).range, full_range(16));
  EXPECT_EQ(find_range(samples({3, 100}, 16), parse_range("x", "64:940")).range, (ValueRange{64, 940}));
  EXPECT_THROW(find_range(samples({3, 100}, 8), parse_range("x", "0:4095")), FormatError);
  for (const char* bad :
       {"", "12", "1:", ":5", "5:5", "9:3", "-1:5", "0:65536", "0:1.5", "a:b", "0:99999999999999999999"})
    EXPECT_THROW(parse_range("x", bad), UsageError) << bad;
}

TEST(Stretched, AndBackIsExactForEveryValue) {
  std::vector<uint16_t> values;
  for (int i = 0; i < 4096; ++i) values.push_back(static_cast<uint16_t>(i));
  const Image image = samples(values, 16), wide = stretched(image, full_range(12));
  const auto* wide_values = reinterpret_cast<const uint16_t*>(wide.bytes.data());
  EXPECT_EQ(wide_values[0], 0);
  EXPECT_EQ(wide_values[2048], 32776);  // 65535 * 2048 / 4095 = 32775.5
  EXPECT_EQ(wide_values[4095], 65535);
  EXPECT_EQ(in_units_of(wide, full_range(12), 16).bytes, image.bytes);
  const Image narrow = samples({10, 16, 100, 235, 255}, 8), video = stretched(narrow, {16, 235});
  EXPECT_EQ(video.bit_depth, 16);
  EXPECT_EQ(in_units_of(video, {16, 235}, 8).bytes, (std::vector<uint8_t>{16, 16, 100, 235, 235}));
  EXPECT_EQ(stretched(narrow, full_range(8)).bytes, narrow.bytes);
}

}  // namespace
}  // namespace sscvae::image
