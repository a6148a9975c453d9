#include "sscvae/image/temper.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::image {
namespace {

constexpr int64_t kSide = 48;

double squared_error(const at::Tensor& a, const at::Tensor& b) {
  return (a.clamp(0, 1) - b).to(at::kDouble).square().mean().item<double>();
}

/// As an 8-bit file holds it.
at::Tensor noisy_file(const at::Tensor& clean, double sigma, uint32_t seed) {
  const at::Tensor noisy = add_gaussian_noise(clean, sigma, seed, true);
  return noisy.mul(255).round().div(255);
}

std::map<std::string, at::Tensor> clean_pictures() {
  at::Tensor page = at::ones({3, kSide, kSide}), colours = at::zeros({3, kSide, kSide});
  for (int64_t row = 6; row < kSide - 8; row += 12)
    for (int64_t column = 5; column < kSide - 6; column += 7) page.narrow(1, row, 8).narrow(2, column, 2).fill_(0);
  colours[0].narrow(0, 0, 30).fill_(1);
  colours[1].narrow(1, 15, 22).fill_(1);
  const at::Tensor rise = at::arange(kSide, at::kFloat).div(kSide - 1).expand({kSide, kSide});
  return {{"page", page},
          {"flat colours", colours},
          {"ramp", at::stack({rise, rise.t(), (rise + rise.t()) / 2})},
          {"dead leaves", to_array(dead_leaves(3, kSide, kSide, 3))}};
}

/// What weights might make of a picture that they do not know.
std::map<std::string, at::Tensor> wrong_results(const at::Tensor& clean) {
  const at::Tensor line = at::arange(kSide), checker = line.unsqueeze(0).add(line.unsqueeze(1)).remainder(2).sub(0.5);
  return {{"a checker", clean + checker * 0.4},
          {"grey", at::full_like(clean, 0.5)},
          {"a negative", 1 - clean},
          {"a blur", at::avg_pool2d(clean, {7, 7}, {1, 1}, {3, 3})},
          {"another colour", clean + at::tensor({0.02f, -0.01f, 0.005f}).view({3, 1, 1})},
          {"nothing", at::zeros_like(clean)}};
}

TEST(Temper, LeavesCleanImagesAndTrustsTheModelWhereThereIsNoise) {
  const at::Tensor input = at::full({1, 16, 16}, 0.5), output = at::full({1, 16, 16}, 0.502);
  const auto moved = [&](double sigma, bool estimated) {
    const at::Tensor result = temper(input, output, sigma, estimated);
    return (result - input).mean().item<double>() / 0.002;
  };
  EXPECT_EQ(moved(0, false), 0);
  EXPECT_EQ(moved(1, true), 0);  // texture
  EXPECT_NEAR(moved(0.9, false), 0.5, 1e-4);
  EXPECT_GT(moved(10, false), 0.99);
  EXPECT_LT(moved(2, true), moved(2, false));
  at::Tensor speck = input.clone();
  speck[0][8][8] = 1;
  const at::Tensor tempered = temper(input, speck, 2, false);
  EXPECT_LE((tempered - input).abs().max().item<double>(), 9 * 2 * std::sqrt(1.16) / 255);
}

void expect_no_worse(const at::Tensor& result, const at::Tensor& input, const at::Tensor& clean, double db,
                     const std::string& what) {
  EXPECT_LE(squared_error(result, clean), squared_error(input, clean) * std::pow(10, db / 10)) << what;
}

TEST(Temper, NoResultIsMuchWorseThanItsInput) {
  uint32_t seed = 1;
  for (const auto& [picture, clean] : clean_pictures())
    for (const double sigma : {0.0, 0.5, 1.0, 2.0, 3.0}) {
      const at::Tensor input = noisy_file(clean, sigma, ++seed);
      for (const auto& [result, wrong] : wrong_results(clean))
        expect_no_worse(temper(input, wrong, sigma, false), input, clean, 0.2,
                        result + " of " + picture + " at level " + std::to_string(sigma));
    }
}

/// Where no noise is cut off and it is known how much of it is left.
TEST(Temper, NoProbedResultIsWorseThanItsInput) {
  uint32_t seed = 1;
  for (const auto& [picture, full_range] : clean_pictures())
    for (const double sigma : {0.0, 0.5, 1.0, 2.0, 3.0}) {
      const at::Tensor clean = full_range * 0.8 + 0.1, input = noisy_file(clean, sigma, ++seed);
      for (const auto& [result, wrong] : wrong_results(clean))
        for (const double kept : {0.0, 0.8, 1.0}) {
          const at::Tensor output = wrong + (input - clean) * kept, removed = at::full_like(input, 1 - kept);
          expect_no_worse(temper(input, output, sigma, false, removed), input, clean, 0.1,
                          result + " of " + picture + " with " + std::to_string(kept) + " of the noise at level " +
                              std::to_string(sigma));
        }
    }
}

/// f(x) = a x + (1 - a) blur(x), whose derivative is known.
TEST(NoiseProbe, FindsWhatIsRemoved) {
  EXPECT_FALSE(NoiseProbe::is_wanted(0, false));
  EXPECT_TRUE(NoiseProbe::is_wanted(1, false));
  EXPECT_FALSE(NoiseProbe::is_wanted(1, true));  // texture
  EXPECT_FALSE(NoiseProbe::is_wanted(5, false));
  const at::Tensor image = to_array(dead_leaves(6, kSide, kSide, 3));
  for (const double kept : {0.0, 0.3, 1.0})
    for (const bool in_grey : {false, true}) {
      const auto denoise = [&](const at::Tensor& x) {
        return x * kept + at::avg_pool2d(x, {5, 5}, {1, 1}, {2, 2}, false, false) * (1 - kept);
      };
      const NoiseProbe probe(image, 2, in_grey);
      const at::Tensor removed = probe.removed(denoise(image), denoise(probe.input()));
      EXPECT_NEAR(removed.mean().item<double>(), (1 - kept) * (1 - 1.0 / 25), 0.02) << kept;
      const at::Tensor moved = probe.input(), step = moved - image;
      EXPECT_EQ(at::equal(step[0] > 0, step[1] > 0), in_grey);
    }
}

TEST(Temper, TakesWhatRemovesTheNoiseAlone) {
  const at::Tensor leaves = to_array(dead_leaves(4, kSide, kSide, 3)), clean = leaves * 0.8 + 0.1;
  for (const double sigma : {2.0, 3.0, 10.0}) {
    const at::Tensor input = noisy_file(clean, sigma, 5);
    const double left = squared_error(temper(input, clean, sigma, false), clean);
    EXPECT_LT(left, squared_error(input, clean) * (sigma < 3 ? 0.06 : 0.03)) << sigma;
  }
}

TEST(Temper, LeavesSaturatedAreasAlone) {
  const at::Tensor input = at::cat({at::ones({1, kSide, kSide}), at::zeros({1, kSide, kSide})}),
                   output = input * 0.9 + 0.05;
  EXPECT_TRUE(at::equal(temper(input, output, 3, false), input));
}

}  // namespace
}  // namespace sscvae::image
