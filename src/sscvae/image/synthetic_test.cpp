#include "sscvae/image/synthetic.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>

#include "sscvae/core/error.h"

namespace sscvae::image {
namespace {

uint32_t checksum(const Image& image) {
  return static_cast<uint32_t>(::crc32(0, image.bytes.data(), static_cast<uInt>(image.bytes.size())));
}

struct Moments {
  double mean = 0, deviation = 0;
};
template <class Values>
Moments moments(const Values& values) {
  double sum = 0, squares = 0;
  for (const auto value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const double n = static_cast<double>(values.size()), mean = sum / n;
  return {mean, std::sqrt(squares / n - mean * mean)};
}

SpeckleField even_field(int64_t depths, int64_t beams, double density) {
  SpeckleField field;
  field.depths = depths;
  field.beams = beams;
  field.density.assign(static_cast<size_t>(depths * beams), density);
  field.axial_width = 1.2;
  field.lateral_width.assign(static_cast<size_t>(depths), 2.0);
  return field;
}

TEST(SpeckleEnvelope, IsRayleighDistributed) {
  const std::vector<double> envelope = speckle_envelope(5, even_field(400, 400, 3.0));
  const Moments m = moments(envelope);
  EXPECT_NEAR(m.mean / m.deviation, 1.913, 0.03);
  EXPECT_NEAR(m.mean * m.mean + m.deviation * m.deviation, 3.0, 0.1);  // the density
}

TEST(SpeckleEnvelope, DoesNotFadeAtTheEdges) {
  double edge = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<double> envelope = speckle_envelope(seed, even_field(30, 30, 1.0));
    for (int i = 0; i < 30; ++i)
      edge += (envelope[i] * envelope[i] + envelope[i * 30] * envelope[i * 30]) / (2 * 30 * 40);
  }
  EXPECT_NEAR(edge, 1.0, 0.12);
}

TEST(SpeckleEnvelope, IsWiderAcrossTheBeamThanAlongIt) {
  const std::vector<double> e = speckle_envelope(5, even_field(200, 200, 1.0));
  double along = 0, across = 0;
  for (int y = 0; y < 199; ++y)
    for (int x = 0; x < 199; ++x) {
      along += std::abs(e[(y + 1) * 200 + x] - e[y * 200 + x]);
      across += std::abs(e[y * 200 + x + 1] - e[y * 200 + x]);
    }
  EXPECT_GT(along, 1.3 * across);
}

TEST(SpecklePhantom, IsAFunctionOfItsArguments) {
  EXPECT_EQ(speckle_phantom(1, 64, 48).bytes, speckle_phantom(1, 64, 48).bytes);
  EXPECT_NE(speckle_phantom(1, 64, 48).bytes, speckle_phantom(2, 64, 48).bytes);
  EXPECT_EQ(checksum(speckle_phantom(1, 64, 48)), 0x483a641fu);
}

TEST(SpecklePhantom, UsesItsGreyLevelsWell) {
  double total = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const Image image = speckle_phantom(seed, 128, 128, Probe::kLinear);
    ASSERT_EQ(image.channels, 1);
    ASSERT_EQ(image.bytes.size(), 128u * 128u);
    const Moments m = moments(image.bytes);
    EXPECT_GT(m.mean, 10);
    EXPECT_LT(m.mean, 190);
    EXPECT_GT(m.deviation, 8);
    total += m.mean / 12;
  }
  EXPECT_GT(total, 35);
  EXPECT_LT(total, 130);
}

TEST(SpecklePhantom, FanIsBlackOutside) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Image image = speckle_phantom(seed, 120, 100, Probe::kSector);
    EXPECT_EQ(image.bytes[0], 0);
    EXPECT_EQ(image.bytes[119], 0);
    EXPECT_EQ(image.bytes[99 * 120], 0);
    EXPECT_EQ(image.bytes[99 * 120 + 119], 0);
    double inside = 0;
    for (int y = 30; y < 70; ++y) inside += image.bytes[y * 120 + 60];
    EXPECT_GT(inside, 0) << seed;
  }
}

TEST(DeadLeaves, IsAFunctionOfItsArguments) {
  EXPECT_EQ(dead_leaves(1, 64, 48, 3).bytes, dead_leaves(1, 64, 48, 3).bytes);
  EXPECT_NE(dead_leaves(1, 64, 48, 3).bytes, dead_leaves(2, 64, 48, 3).bytes);
  EXPECT_EQ(checksum(dead_leaves(1, 64, 48, 3)), 0xf2de5e31u);
}

TEST(DeadLeaves, GreyIsTheSameSceneInGrey) {
  const Image colour = with_channels(dead_leaves(4, 50, 40, 3), 1), grey = dead_leaves(4, 50, 40, 1);
  double difference = 0;
  for (size_t i = 0; i < grey.bytes.size(); ++i) difference += std::abs(colour.bytes[i] - grey.bytes[i]);
  EXPECT_LT(difference / static_cast<double>(grey.bytes.size()), 2);  // clipping apart
}

/// Photographs: most differences of neighbours are small, some are large (kurtosis far above a Gaussian's 3).
TEST(DeadLeaves, DifferencesHaveHeavyTails) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const Image image = dead_leaves(seed, 128, 128, 1);
    double second = 0, fourth = 0;
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x < 127; ++x) {
        const double d = image.bytes[y * 128 + x + 1] - image.bytes[y * 128 + x];
        second += d * d / (128 * 127);
        fourth += d * d * d * d / (128 * 127);
      }
    EXPECT_GT(fourth / (second * second), 8) << seed;
    EXPECT_GT(moments(image.bytes).deviation, 15) << seed;
  }
}

TEST(Synthetic, WorksAtEverySmallSize) {
  for (const int64_t width : {1, 2, 3, 5, 8, 17})
    for (const int64_t height : {1, 2, 7, 33})
      for (uint64_t seed = 0; seed < 3; ++seed) {
        EXPECT_EQ(speckle_phantom(seed, width, height, Probe::kSector).bytes.size(),
                  static_cast<size_t>(width * height));
        EXPECT_EQ(speckle_phantom(seed, width, height, Probe::kLinear).bytes.size(),
                  static_cast<size_t>(width * height));
        EXPECT_EQ(dead_leaves(seed, width, height, 3).bytes.size(), static_cast<size_t>(width * height * 3));
      }
}

TEST(Synthetic, ChecksItsArguments) {
  EXPECT_THROW(speckle_phantom(0, 0, 5), UsageError);
  EXPECT_THROW(speckle_phantom(0, 5, 9000), UsageError);
  EXPECT_THROW(dead_leaves(0, -1, 5, 1), UsageError);
  EXPECT_THROW(dead_leaves(0, 5, 5, 2), UsageError);
}

}  // namespace
}  // namespace sscvae::image
