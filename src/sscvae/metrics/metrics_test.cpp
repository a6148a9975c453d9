#include "sscvae/metrics/metrics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::metrics {
namespace {

at::Tensor noise(uint64_t seed, at::IntArrayRef shape, at::ScalarType dtype = at::kDouble) {
  Random random(seed);
  at::Tensor image = at::zeros(shape, at::kDouble);
  for (int64_t i = 0; i < image.numel(); ++i) image.mutable_data_ptr<double>()[i] = random.uniform();
  return image.to(dtype);
}

/// The definition written down once more, position by position, with a window of two dimensions.
double slow_ssim(const at::Tensor& a, const at::Tensor& b, const at::Tensor& window, double factor, double range) {
  const int64_t size = window.size(0), rows = a.size(0) - size + 1, columns = a.size(1) - size + 1;
  const double c1 = 0.0001 * range * range, c2 = 0.0009 * range * range;
  double total = 0;
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x) {
      const at::Tensor pa = a.narrow(0, y, size).narrow(1, x, size), pb = b.narrow(0, y, size).narrow(1, x, size);
      const auto mean = [&](const at::Tensor& values) { return (window * values).sum().item<double>(); };
      const double ma = mean(pa), mb = mean(pb);
      const double va = factor * mean((pa - ma) * (pa - ma)), vb = factor * mean((pb - mb) * (pb - mb));
      const double cov = factor * mean((pa - ma) * (pb - mb));
      total += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
  return total / static_cast<double>(rows * columns);
}

at::Tensor gaussian_window() {
  const at::Tensor distance = at::arange(-5, 6, at::kDouble);
  const at::Tensor line = (distance * distance * (-0.5 / 2.25)).exp();
  const at::Tensor square = line.unsqueeze(0) * line.unsqueeze(1);
  return square / square.sum();
}

TEST(Psnr, OneGreyLevelOfOffset) {
  const at::Tensor a = at::full({1, 4, 5}, 0.5, at::kDouble), b = a + 1.0 / 255;
  EXPECT_NEAR(psnr_db(a, b), 20 * std::log10(255.0), 1e-9);
  EXPECT_NEAR(psnr_db(a * 255, b * 255, 255), 20 * std::log10(255.0), 1e-9);
  EXPECT_NEAR(mean_squared_error(a, b), 1 / (255.0 * 255.0), 1e-15);
}

TEST(Psnr, OneErrorOverAllChannels) {
  const at::Tensor a = at::zeros({3, 2, 2}, at::kDouble);
  at::Tensor b = a.clone();
  b.select(0, 0).fill_(0.3);
  EXPECT_NEAR(psnr_db(a, b), -10 * std::log10(0.09 / 3), 1e-12);
}

TEST(Psnr, EqualImagesAreInfinitelyGood) {
  const at::Tensor a = noise(1, {3, 5, 5});
  EXPECT_EQ(psnr_db(a, a), std::numeric_limits<double>::infinity());
}

TEST(Psnr, TakesOnePixel) { EXPECT_NEAR(psnr_db(at::full({1, 1, 1}, 0.0), at::full({1, 1, 1}, 0.1)), 20, 1e-6); }

TEST(Psnr, NanStaysNan) {
  EXPECT_TRUE(std::isnan(psnr_db(at::full({1, 2, 2}, NAN, at::kDouble), at::zeros({1, 2, 2}, at::kDouble))));
}

TEST(ImagePair, RefusesWhatDoesNotFit) {
  EXPECT_THROW(psnr_db(at::zeros({1, 4, 4}), at::zeros({1, 4, 5})), ShapeError);
  EXPECT_THROW(psnr_db(at::zeros({0, 4, 4}), at::zeros({0, 4, 4})), ShapeError);
  EXPECT_THROW(psnr_db(at::zeros({4}), at::zeros({4})), ShapeError);
  EXPECT_THROW(nmi(at::Tensor(), at::zeros({1, 4, 4})), ShapeError);
}

TEST(Ssim, EqualsItsDefinitionWrittenSlowly) {
  const at::Tensor a = noise(1, {19, 14}), b = 0.7 * a + 0.3 * noise(2, {19, 14});
  const at::Tensor flat = at::full({7, 7}, 1.0 / 49, at::kDouble);
  EXPECT_NEAR(ssim_uniform(a, b), slow_ssim(a, b, flat, 49.0 / 48, 1), 1e-12);
  EXPECT_NEAR(ssim_gaussian(a, b), slow_ssim(a, b, gaussian_window(), 1, 1), 1e-12);
  EXPECT_NEAR(ssim_gaussian(a, b, 2), slow_ssim(a, b, gaussian_window(), 1, 2), 1e-12);
}

TEST(Ssim, EqualImagesGiveOneAndRangeScales) {
  const at::Tensor a = noise(3, {1, 16, 20}), b = noise(4, {1, 16, 20});
  EXPECT_DOUBLE_EQ(ssim_uniform(a, a), 1);
  EXPECT_DOUBLE_EQ(ssim_gaussian(a, a), 1);
  EXPECT_NEAR(ssim_uniform(a, b), ssim_uniform(a * 255, b * 255, 255), 1e-11);
}

TEST(Ssim, ConstantImagesCompareByBrightness) {
  const at::Tensor a = at::full({12, 12}, 0.5, at::kDouble), b = at::full({12, 12}, 0.25, at::kDouble);
  const double expected = (2 * 0.125 + 0.0001) / (0.25 + 0.0625 + 0.0001);
  EXPECT_NEAR(ssim_uniform(a, b), expected, 1e-12);
  EXPECT_NEAR(ssim_gaussian(a, b), expected, 1e-12);
}

TEST(Ssim, IsTheMeanOverPlanes) {
  const at::Tensor a = noise(5, {2, 3, 12, 13}), b = noise(6, {2, 3, 12, 13});
  double sum = 0;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 0; c < 3; ++c) sum += ssim_gaussian(a.select(0, n).select(0, c), b.select(0, n).select(0, c));
  EXPECT_NEAR(ssim_gaussian(a, b), sum / 6, 1e-13);
}

TEST(Ssim, DoesNotDependOnMemoryLayoutOrGraph) {
  const at::Tensor a = noise(5, {1, 3, 12, 13}), b = noise(6, {1, 3, 12, 13}).requires_grad_();
  EXPECT_EQ(ssim_uniform(a, b), ssim_uniform(a.contiguous(at::MemoryFormat::ChannelsLast), b.detach()));
}

TEST(Ssim, WorksFromExactlyTheWindowAndNamesTooSmallSizes) {
  EXPECT_DOUBLE_EQ(ssim_uniform(noise(1, {7, 7}), noise(1, {7, 7})), 1);
  EXPECT_DOUBLE_EQ(ssim_gaussian(noise(1, {11, 11}), noise(1, {11, 11})), 1);
  EXPECT_THROW(ssim_uniform(noise(1, {7, 6}), noise(1, {7, 6})), ShapeError);
  try {
    ssim_gaussian(noise(1, {1, 10, 40}), noise(1, {1, 10, 40}));
    FAIL() << "an image of 10 rows has no 11x11 window";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "ssim: expected an image of at least 11x11 pixels, got 40x10");
  }
}

TEST(Nmi, EqualImagesGiveTwoAndMonotoneMapsToo) {
  const at::Tensor a = noise(1, {1, 30, 30});
  EXPECT_NEAR(nmi(a, a), 2, 1e-12);
  EXPECT_NEAR(nmi(a, 3 - 2 * a), 2, 2e-2) << "reversed bins differ at edges only";
}

TEST(Nmi, IndependentImagesGiveOne) {
  const at::Tensor line = at::arange(100, at::kDouble);
  const at::Tensor a = line.unsqueeze(0).expand({100, 100}), b = line.unsqueeze(1).expand({100, 100});
  EXPECT_NEAR(nmi(a, b), 1, 1e-12);
}

TEST(Nmi, TwoLevelsByHand) {
  // Joint counts of (0,0), (0,1), (1,1) are 2, 1, 1.
  const at::Tensor a = at::zeros({1, 2, 2}), b = at::zeros({1, 2, 2});
  a.mutable_data_ptr<float>()[3] = 1;
  b.mutable_data_ptr<float>()[2] = b.mutable_data_ptr<float>()[3] = 1;
  const double of_a = -0.75 * std::log(0.75) - 0.25 * std::log(0.25), of_b = std::log(2.0);
  const double together = -0.5 * std::log(0.5) - 0.5 * std::log(0.25);
  EXPECT_NEAR(nmi(a, b), (of_a + of_b) / together, 1e-12);
}

TEST(Nmi, MaximumBelongsToTheLastBin) {
  // 0 ... 99.5 in halves: two values a bin, 200 values; a maximum in a bin of its own would give 101 bins.
  const at::Tensor a = at::arange(200, at::kDouble).view({1, 10, 20});
  const at::Tensor b = (a / 2).floor();
  EXPECT_NEAR(nmi(a * 100 / 199, a * 100 / 199), 2, 1e-12);
  EXPECT_GT(nmi(a, b), 1.95);
}

TEST(Nmi, PrecisionOfTheInputDecidesAtBinEdges) {
  const at::Tensor levels = at::arange(256, at::kDouble).view({1, 16, 16});
  const at::Tensor a = levels / 255, b = ((levels * 0.83).floor() + 20) / 255;
  const double wide = nmi(a, b), narrow = nmi(a.to(at::kFloat), b.to(at::kFloat));
  EXPECT_NEAR(wide, narrow, 0.05);
  EXPECT_EQ(narrow, nmi(a.to(at::kFloat), b.to(at::kFloat))) << "deterministic";
}

TEST(Nmi, ConstantOrBrokenImagesAreNan) {
  const at::Tensor flat = at::full({1, 4, 4}, 0.5), other = noise(1, {1, 4, 4}, at::kFloat);
  EXPECT_TRUE(std::isnan(nmi(flat, flat)));
  EXPECT_DOUBLE_EQ(nmi(flat, other), 1);
  at::Tensor broken = other.clone();
  broken.mutable_data_ptr<float>()[5] = INFINITY;
  EXPECT_TRUE(std::isnan(nmi(broken, other)));
}

TEST(Hoyer, SingleAtomFlatAndEmpty) {
  const at::Tensor code = at::zeros({1, 9, 1, 3}, at::kDouble);
  code.select(3, 0).fill_(-0.2);            // flat: 0
  code.select(3, 1).select(1, 4).fill_(7);  // one atom: 1
  EXPECT_NEAR(hoyer(code.narrow(3, 0, 1)), 0, 1e-12);
  EXPECT_NEAR(hoyer(code.narrow(3, 1, 1)), 1, 1e-12);
  EXPECT_EQ(hoyer(code.narrow(3, 2, 1)), 1) << "all zero";
  EXPECT_NEAR(hoyer(code), 2.0 / 3, 1e-12);
  EXPECT_NEAR(hoyer(code[0]), 2.0 / 3, 1e-12) << "without a batch axis";
}

TEST(Hoyer, DoesNotDependOnScaleAndKnowsOneAtom) {
  const at::Tensor code = noise(7, {2, 5, 3, 4}) - 0.5;
  EXPECT_NEAR(hoyer(code), hoyer(code * 1e-3), 1e-12);
  EXPECT_EQ(hoyer(noise(1, {1, 1, 2, 2})), 1);
}

TEST(Code, CountsNonzeros) {
  const at::Tensor code = at::zeros({2, 4, 1, 5});
  code.select(1, 2).fill_(-1e-30f);
  code.select(0, 0).select(0, 0).fill_(3);
  EXPECT_DOUBLE_EQ(nonzeros_per_position(code), 1.5);
  EXPECT_DOUBLE_EQ(zero_fraction(code), 1 - 15.0 / 40);
  EXPECT_THROW(nonzeros_per_position(at::zeros({4, 4})), ShapeError);
  EXPECT_THROW(hoyer(at::zeros({1, 0, 4, 4})), ShapeError);
}

TEST(FitError, ShareOfEnergy) {
  const at::Tensor features = noise(8, {1, 3, 4, 4});
  EXPECT_EQ(fit_error(features, features), 0);
  EXPECT_DOUBLE_EQ(fit_error(features, at::zeros_like(features)), 1);
  EXPECT_NEAR(fit_error(features, 0.9 * features), 0.01, 1e-12);
  EXPECT_EQ(fit_error(at::zeros({2, 2}), at::zeros({2, 2})), 0);
  EXPECT_EQ(fit_error(at::zeros({2, 2}), at::full({2, 2}, 1.0)), std::numeric_limits<double>::infinity());
  EXPECT_THROW(fit_error(features, features[0]), ShapeError);
}

}  // namespace
}  // namespace sscvae::metrics
