#include "sscvae/data/fast_normal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace sscvae::data {
namespace {

std::vector<float> draw(uint64_t seed, float scale, int64_t count, float start = 0) {
  std::vector<float> values(static_cast<size_t>(count), start);
  add_normal(seed, scale, values.data(), count);
  return values;
}

double share_below(const std::vector<float>& sorted, double x) {
  return double(std::lower_bound(sorted.begin(), sorted.end(), static_cast<float>(x)) - sorted.begin()) / sorted.size();
}

TEST(FastNormal, follows_the_normal_distribution) {
  constexpr int64_t kCount = 2'000'000;
  std::vector<float> values = draw(7, 1, kCount);
  double moments[5] = {};
  for (const double v : values)
    for (int power = 1; power < 5; ++power) moments[power] += std::pow(v, power) / kCount;
  EXPECT_NEAR(moments[1], 0, 0.003);
  EXPECT_NEAR(moments[2], 1, 0.005);
  EXPECT_NEAR(moments[3], 0, 0.015);
  EXPECT_NEAR(moments[4], 3, 0.05);
  std::sort(values.begin(), values.end());
  // Kolmogorov's statistic stays below 1.95 / sqrt(n) in 99.9 % of all cases; points in every layer and in the tail.
  for (double x = -4.5; x <= 4.5; x += 0.05)
    EXPECT_NEAR(share_below(values, x), 0.5 * std::erfc(-x / std::sqrt(2.0)), 1.95 / std::sqrt(double(kCount))) << x;
  const double beyond = share_below(values, -3.442619855899) + 1 - share_below(values, 3.442619855899);
  EXPECT_NEAR(beyond / std::erfc(3.442619855899 / std::sqrt(2.0)), 1, 0.15);
}

TEST(FastNormal, adds_a_multiple_that_the_seed_decides) {
  const std::vector<float> unit = draw(3, 1, 1000), scaled = draw(3, 0.5F, 1000, 2);
  for (size_t i = 0; i < unit.size(); ++i) EXPECT_FLOAT_EQ(scaled[i], 2 + 0.5F * unit[i]);
  EXPECT_EQ(draw(3, 1, 10), std::vector<float>(unit.begin(), unit.begin() + 10));
  EXPECT_NE(draw(4, 1, 10), draw(3, 1, 10));
}

}  // namespace
}  // namespace sscvae::data
