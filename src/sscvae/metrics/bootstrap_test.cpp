#include "sscvae/metrics/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"

namespace sscvae::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> normal_values(uint64_t seed, size_t count, double mean) {
  Random random(seed);
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) values.push_back(mean + random.normal());
  return values;
}

TEST(Bootstrap, IntervalHasTheWidthOfTheNormalTheory) {
  const std::vector<double> values = normal_values(1, 400, 30);
  const Interval interval = bootstrap_mean(values, {.resamples = 4000});
  double mean = 0, variance = 0;
  for (const double value : values) mean += value / 400;
  for (const double value : values) variance += (value - mean) * (value - mean) / 400;
  const double half = 1.96 * std::sqrt(variance / 400);
  EXPECT_NEAR(interval.mean, mean, 1e-12);
  EXPECT_NEAR(interval.high - interval.mean, half, 0.1 * half);
  EXPECT_NEAR(interval.mean - interval.low, half, 0.1 * half);
  EXPECT_EQ(interval.count, 400);
}

TEST(Bootstrap, CoversTheTruthAboutAsOftenAsItSays) {
  int covered = 0;
  for (uint64_t trial = 0; trial < 200; ++trial) {
    const Interval interval = bootstrap_mean(normal_values(100 + trial, 40, 0), {.seed = trial, .resamples = 500});
    covered += interval.low <= 0 && 0 <= interval.high;
  }
  EXPECT_GE(covered, 176);
  EXPECT_LE(covered, 199);
}

TEST(Bootstrap, SameSeedSameInterval) {
  const std::vector<double> values = normal_values(2, 30, 1);
  const Interval first = bootstrap_mean(values), second = bootstrap_mean(values),
                 third = bootstrap_mean(values, {.seed = 2});
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  EXPECT_NE(first.low, third.low);
}

TEST(Bootstrap, PairsAreNarrowerThanTheirParts) {
  std::vector<double> a = normal_values(3, 50, 30), b = a;
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] *= 5;
    b[i] = a[i] - 0.2 - 0.01 * static_cast<double>(i % 3);
  }
  const Interval difference = bootstrap_paired_difference(a, b), alone = bootstrap_mean(a);
  EXPECT_NEAR(difference.mean, 0.21, 0.01);
  EXPECT_GT(difference.low, 0) << "a is better for sure";
  EXPECT_LT(difference.high - difference.low, 0.05 * (alone.high - alone.low));
}

TEST(Bootstrap, LeavesOutWhatIsNoNumber) {
  const Interval interval = bootstrap_mean({1, kNan, 1});
  EXPECT_EQ(interval.mean, 1);
  EXPECT_EQ(interval.count, 2);
  EXPECT_EQ(interval.left_out, 1);
  EXPECT_EQ(bootstrap_paired_difference({1, kNan}, {0, 0}).left_out, 1);
}

TEST(Bootstrap, PerfectImagesCount) {
  const Interval all = bootstrap_mean({kInfinity, kInfinity, kInfinity});
  EXPECT_EQ(std::tuple(all.mean, all.low, all.high, all.left_out), std::tuple(kInfinity, kInfinity, kInfinity, 0));
  std::vector<double> some(100, 30.0);
  some[7] = kInfinity;
  const Interval one = bootstrap_mean(some);
  EXPECT_EQ(std::tuple(one.mean, one.low, one.high), std::tuple(kInfinity, 30.0, kInfinity));
  const Interval difference = bootstrap_paired_difference({kInfinity, 31}, {kInfinity, 30});
  EXPECT_EQ(std::pair(difference.mean, difference.left_out), std::pair(0.5, int64_t{0}));
}

TEST(Bootstrap, FewValues) {
  const Interval one = bootstrap_mean({3});
  EXPECT_EQ(one.mean, 3);
  EXPECT_TRUE(std::isnan(one.low) && std::isnan(one.high)) << "one image says nothing about others";
  EXPECT_TRUE(std::isnan(bootstrap_mean({}).mean));
  EXPECT_TRUE(std::isnan(bootstrap_mean({kNan}).low));
}

TEST(Bootstrap, RefusesNonsense) {
  EXPECT_THROW(bootstrap_mean({1}, {.resamples = 0}), UsageError);
  EXPECT_THROW(bootstrap_mean({1}, {.confidence = 1}), UsageError);
  EXPECT_THROW(bootstrap_mean({1}, {.confidence = kNan}), UsageError);
  EXPECT_THROW(bootstrap_paired_difference({1, 2}, {1}), UsageError);
}

}  // namespace
}  // namespace sscvae::metrics
