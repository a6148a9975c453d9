#include "sscvae/train/sample_noise.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/nn/arrays.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sscvae::train {
namespace {

using kernels::draw_in_order;
using kernels::NoiseLaw;
using kernels::NoiseTeamOfOne;
using kernels::NoiseTile;

/// Variates of 1 to `longest` words, by word number.
void expect_ordered(int64_t count, int longest) {
  std::vector<double> expected, actual(static_cast<size_t>(count), -1);
  const auto length_at = [&](uint64_t word) { return 1 + static_cast<int>(splitmix64(word) % uint64_t(longest)); };
  for (uint64_t word = 0; static_cast<int64_t>(expected.size()) < count; word += uint64_t(length_at(word)))
    expected.push_back(static_cast<double>(word));
  NoiseTeamOfOne team;
  const auto tile = std::make_unique<NoiseTile>();
  int64_t writes = 0;
  draw_in_order(
      team, *tile, count,
      [&](uint64_t word, int& length) {
        length = length_at(word);
        return static_cast<double>(word);
      },
      [&](int64_t i, double value) {
        actual.at(static_cast<size_t>(i)) = value;
        ++writes;
      });
  EXPECT_EQ(actual, expected) << "longest " << longest;
  EXPECT_EQ(writes, count);
}

TEST(OrderedDraws, AreThoseOfALoop) {
  for (const int64_t count : {0, 1, 511, 512, 513, 5000})
    for (const int longest : {1, 2, 3, 7, 2000}) expect_ordered(count, longest);
}

SampleNoise gaussian(uint64_t seed, double scale) { return {seed, scale, 0, 0, NoiseLaw::kGaussian, 0}; }
SampleNoise speckle(uint64_t seed, double looks) { return {seed, 0.07, looks, std::log(looks), NoiseLaw::kSpeckle, 0}; }

TEST(SampleNoiseTest, IsWhatALoopDraws) {
  constexpr int64_t kCount = 3001;
  const std::vector<double> looks{0, 0.4, 4};
  std::vector<SampleNoise> noise{gaussian(1, 0.1), speckle(2, looks[1]), speckle(3, looks[2])};
  const at::Tensor values = at::full({3, kCount}, 0.5F);
  add_sample_noise(values, noise);
  for (int64_t i = 0; i < 3; ++i) {
    const auto sample = static_cast<size_t>(i);
    Random random(sample + 1);
    const float* row = values.const_data_ptr<float>() + i * kCount;
    for (int64_t k = 0; k < kCount; ++k) {
      const double added = i == 0 ? 0.1 * ziggurat_normal(random, Ziggurat::table())
                                  : 0.07 * (log_gamma_variate(random, looks[sample]) - noise[sample].log_looks);
      ASSERT_NEAR(row[k], 0.5 + added, 1e-6) << i << " " << k;
    }
  }
}

TEST(SampleNoiseTest, CutsToTheUnitIntervalWhereAsked) {
  std::vector<SampleNoise> noise{gaussian(1, 2), gaussian(1, 2), {}, {}};
  noise[1].clip = noise[3].clip = 1;
  const at::Tensor values = at::full({4, 700}, 1.5F);
  add_sample_noise(values, noise);
  EXPECT_LT(values[0].min().item<float>(), 0);
  EXPECT_TRUE(at::equal(values[1], values[0].clamp(0, 1)));
  EXPECT_TRUE(at::equal(values[2], at::full({700}, 1.5F)));
  EXPECT_TRUE(at::equal(values[3], at::full({700}, 1.0F)));
}

TEST(SampleNoiseTest, RefusesOtherTensors) {
  EXPECT_THROW(add_sample_noise(at::zeros({2, 3}), {{}}), ShapeError);
  EXPECT_THROW(add_sample_noise(at::zeros({1, 3}, at::kDouble), {{}}), ShapeError);
  EXPECT_THROW(add_sample_noise(at::zeros({3, 2}).t(), {{}, {}}), ShapeError);
}

}  // namespace
}  // namespace sscvae::train
