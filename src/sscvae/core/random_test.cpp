#include "sscvae/core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "sscvae/core/error.h"

// The expected numbers were printed by NumPy 2.4 and CPython 3.11.
namespace sscvae {
namespace {

std::vector<int> shuffled(int count, uint64_t seed) {
  std::vector<int> list(static_cast<size_t>(count));
  std::iota(list.begin(), list.end(), 0);
  python_shuffle(list, seed);
  return list;
}

TEST(SplitMix64, PublishedSequence) {
  // The first outputs of the generator started at 1234567 (Vigna's reference program).
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(DeriveSeed, DependsOnRootPurposeAndIndex) {
  const std::set<uint64_t> seeds{derive_seed(1, "crop"),    derive_seed(2, "crop"), derive_seed(1, "flip"),
                                 derive_seed(1, "crop", 1), derive_seed(1, "corp"), derive_seed(1, "")};
  EXPECT_EQ(seeds.size(), 6u);
  EXPECT_EQ(derive_seed(7, "noise", 3), derive_seed(7, "noise", 3));
}

TEST(Random, UniformLiesInItsHalfOpenInterval) {
  Random random(1);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double value = random.uniform(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LT(value, 3);
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.06);  // four standard errors
}

TEST(Random, BelowReachesEveryValueEqually) {
  Random random(2);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(static_cast<size_t>(random.below(7)));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.below(1), 0);
  EXPECT_THROW(random.below(0), InternalError);
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random random(3);
  double sum = 0, squares = 0;
  constexpr int kCount = 40000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.02);
  EXPECT_NEAR(squares / kCount, 1, 0.03);
}

TEST(MersenneTwister, NumpyWords) {
  const std::vector<std::pair<uint32_t, std::vector<uint32_t>>> expected{
      {0, {2357136044, 2546248239, 3071714933, 3626093760}},
      {1, {1791095845, 4282876139, 3093770124, 4005303368}},
      {42, {1608637542, 3421126067, 4083286876, 787846414}}};
  for (const auto& [seed, words] : expected) {
    MersenneTwister generator = MersenneTwister::numpy(seed);
    for (const uint32_t word : words) EXPECT_EQ(generator.next_u32(), word) << "seed " << seed;
  }
}

TEST(MersenneTwister, NumpyRandomSample) {
  MersenneTwister generator = MersenneTwister::numpy(42);
  for (const double value : {0.3745401188473625, 0.9507143064099162, 0.7319939418114051, 0.5986584841970366})
    EXPECT_EQ(generator.next_double(), value);
}

TEST(MersenneTwister, NumpyNormalKeepsTheSecondDeviate) {
  MersenneTwister generator = MersenneTwister::numpy(0);
  for (const double value : {1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458,
                             1.8675579901499675, -0.977277879876411, 0.9500884175255894})
    EXPECT_DOUBLE_EQ(generator.next_gauss(), value);
  // sigma / 255 with the generator of numpy.random.seed(1)
  MersenneTwister other = MersenneTwister::numpy(1);
  for (const double value : {0.15924954545718056, -0.05997611898530151, -0.05178154433955448, -0.10519300217217357})
    EXPECT_NEAR(25.0 / 255 * other.next_gauss(), value, 1e-15);
}

TEST(MersenneTwister, StateIsRenewedAfter624Words) {
  MersenneTwister generator = MersenneTwister::numpy(5489);
  uint32_t word = 0;
  for (int i = 0; i < 10000; ++i) word = generator.next_u32();
  EXPECT_EQ(word, 4123659995u);  // the 10000th word that the C++ standard demands of mt19937
}

TEST(MersenneTwister, PythonGetrandbits) {
  const std::vector<std::pair<uint64_t, std::vector<uint32_t>>> expected{
      {0, {3626764237, 1654615998, 3255389356}},
      {1, {577090037, 2444712010, 3639700191}},
      {42, {2746317213, 478163327, 107420369}},
      {1099511627781, {2166296868, 2220160828, 1153647273}}};  // a seed of two words
  for (const auto& [seed, words] : expected) {
    MersenneTwister generator = MersenneTwister::python(seed);
    for (const uint32_t word : words) EXPECT_EQ(generator.next_bits(32), word) << "seed " << seed;
  }
  MersenneTwister wide = MersenneTwister::python(0);
  EXPECT_EQ(wide.next_bits(64), 3626764237u | uint64_t{1654615998} << 32);
  EXPECT_EQ(MersenneTwister::python(0).next_bits(1), 3626764237u >> 31);
  EXPECT_THROW(wide.next_bits(0), InternalError);
  EXPECT_THROW(wide.next_bits(65), InternalError);
}

TEST(PythonShuffle, EqualsCPython) {
  EXPECT_EQ(shuffled(10, 1), (std::vector<int>{6, 8, 9, 7, 5, 3, 0, 4, 1, 2}));
  EXPECT_EQ(shuffled(7, 0), (std::vector<int>{4, 2, 1, 0, 5, 3, 6}));
  EXPECT_EQ(shuffled(12, 2147483647), (std::vector<int>{2, 9, 6, 7, 10, 8, 0, 11, 4, 3, 1, 5}));
  EXPECT_EQ(shuffled(9, 1099511627781), (std::vector<int>{1, 2, 3, 6, 7, 0, 5, 4, 8}));
  EXPECT_EQ(shuffled(33, 42), (std::vector<int>{27, 5,  11, 16, 26, 12, 20, 15, 10, 14, 19, 22, 9, 29, 24, 6, 25,
                                                0,  31, 13, 18, 2,  17, 21, 3,  30, 4,  28, 32, 8, 23, 1,  7}));
}

TEST(PythonShuffle, ShortLists) {
  EXPECT_EQ(shuffled(0, 1), std::vector<int>{});
  EXPECT_EQ(shuffled(1, 1), std::vector<int>{0});
}

}  // namespace
}  // namespace sscvae
