#include "sscvae/image/noise.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "support/paths.h"

namespace sscvae::image {
namespace {

/// numpy.random.seed(0); numpy.random.normal(0, 1, 4)
TEST(NumpyGaussian, FirstValuesOfSeedZero) {
  const at::Tensor noise = numpy_gaussian(0, 1.0, {2, 2, 1});
  const double* v = noise.const_data_ptr<double>();
  EXPECT_EQ(v[0], 1.764052345967664);
  EXPECT_EQ(v[1], 0.4001572083672233);
  EXPECT_EQ(v[2], 0.9787379841057392);
  EXPECT_EQ(v[3], 2.240893199201458);
}

TEST(NumpyGaussian, FirstValuesAsRecorded) {
  const auto cases = nlohmann::json::parse(read_file(testing::parity_folder() / "noise/expected.json")).at("cases");
  EXPECT_GE(cases.size(), 12u);
  for (const auto& [name, recorded] : cases.items()) {
    int seed = 0, height = 0, width = 0, channels = 0, sigma = 0;
    ASSERT_EQ(std::sscanf(name.c_str(), "seed%d/%dx%dx%d/sigma%d", &seed, &height, &width, &channels, &sigma), 5);
    const at::Tensor noise = numpy_gaussian(static_cast<uint32_t>(seed), sigma / 255.0, {height, width, channels});
    const auto values = recorded.get<std::vector<double>>();
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(noise.const_data_ptr<double>()[i], values[i]) << name;
  }
}

TEST(AddGaussianNoise, IsDrawnByRowColumnChannel) {
  const at::Tensor noise = numpy_gaussian(3, 25.0 / 255, {4, 5, 3});
  const at::Tensor clean = at::full({3, 4, 5}, 0.25, at::kDouble);
  EXPECT_TRUE(at::equal(add_gaussian_noise(clean, 25, 3, false), clean + noise.permute({2, 0, 1})));
}

TEST(AddGaussianNoise, FloatIsTheRoundedDouble) {
  const at::Tensor clean = at::full({1, 6, 7}, 0.1f);
  const at::Tensor expected = add_gaussian_noise(clean.to(at::kDouble), 15, 0, false).to(kFloat32);
  const at::Tensor noisy = add_gaussian_noise(clean, 15, 0, false);
  EXPECT_EQ(noisy.scalar_type(), at::kFloat);
  EXPECT_TRUE(noisy.is_contiguous());
  EXPECT_TRUE(at::equal(noisy, expected));
}

TEST(AddGaussianNoise, ClipsOnlyOnRequest) {
  const at::Tensor clean = at::zeros({1, 32, 32});
  const at::Tensor free = add_gaussian_noise(clean, 50, 0, false), clipped = add_gaussian_noise(clean, 50, 0, true);
  EXPECT_LT(free.min().item<float>(), -0.1);
  EXPECT_TRUE(at::equal(clipped, free.clamp(0, 1)));
  EXPECT_TRUE(at::equal(add_gaussian_noise(clean, 0, 0, false), clean));
}

TEST(AddGaussianNoise, HasTheStandardDeviationAsked) {
  const at::Tensor noisy = add_gaussian_noise(at::zeros({1, 256, 256}, at::kDouble), 25, 1, false);
  EXPECT_NEAR(noisy.std().item<double>() * 255, 25, 0.25);
  EXPECT_NEAR(noisy.mean().item<double>() * 255, 0, 0.3);
}

TEST(Speckle, HasTheStandardDeviationAskedAndMeanIntensityOne) {
  for (const double sigma : {5.0, 23.7, 40.0}) {
    const at::Tensor speckle = add_speckle(at::zeros({1, 512, 512}), sigma, 1, false).to(kFloat64);
    EXPECT_NEAR(speckle.std().item<double>() * 255, sigma, 0.02 * sigma);
    EXPECT_NEAR(at::pow(10.0, speckle * 6).mean().item<double>(), 1, 0.03);
    EXPECT_LT(speckle.mean().item<double>(), 0);
  }
}

TEST(Speckle, LooksOfKnownLevels) {
  // One look: log of an exponential variate, variance pi^2 / 6; 255 (10 / 60) / ln 10 pi / sqrt 6 = 23.67.
  EXPECT_NEAR(speckle_looks(23.673), 1, 1e-3);
  EXPECT_NEAR(speckle_looks(255 / (6 * std::log(10)) * std::sqrt(0.283823)), 4, 1e-3);  // trigamma(4)
  EXPECT_TRUE(std::isinf(speckle_looks(0)));
  EXPECT_THROW(speckle_looks(-1), UsageError);
}

TEST(Speckle, IsSeededAndClipsOnRequest) {
  const at::Tensor clean = at::full({1, 32, 32}, 0.02);
  EXPECT_TRUE(at::equal(add_speckle(clean, 20, 3, false), add_speckle(clean, 20, 3, false)));
  EXPECT_FALSE(at::equal(add_speckle(clean, 20, 3, false), add_speckle(clean, 20, 4, false)));
  EXPECT_TRUE(at::equal(add_speckle(clean, 20, 3, true), at::Tensor(add_speckle(clean, 20, 3, false)).clamp(0, 1)));
  EXPECT_TRUE(at::equal(add_speckle(clean, 0, 3, false), clean));
  EXPECT_TRUE(at::equal(add_noise(Noise::kSpeckle, clean, 20, 3, false), add_speckle(clean, 20, 3, false)));
  EXPECT_TRUE(at::equal(add_noise(Noise::kGaussian, clean, 20, 3, false), add_gaussian_noise(clean, 20, 3, false)));
}

TEST(Noise, ChecksShapesAndSigma) {
  EXPECT_THROW(add_gaussian_noise(at::zeros({4, 4}), 25, 0, false), ShapeError);
  EXPECT_THROW(add_gaussian_noise(at::zeros({1, 4, 4}), -1, 0, false), UsageError);
  EXPECT_THROW(add_gaussian_noise(at::zeros({1, 4, 4}), std::numeric_limits<double>::quiet_NaN(), 0, false),
               UsageError);
}

}  // namespace
}  // namespace sscvae::image
