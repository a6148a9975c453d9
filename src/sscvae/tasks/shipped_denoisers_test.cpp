#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/inference.h"
#include "support/paths.h"

/// The weights that come with the program on pictures unlike those that they were trained with, with next to no noise.
namespace sscvae::tasks {
namespace {

constexpr int64_t kSide = 96;

/// In the colours of slides and signs, text on white and on grey, a ramp, a crowded picture.
std::map<std::string, at::Tensor> pictures() {
  std::map<std::string, at::Tensor> all;
  at::Tensor& flat = all["saturated colours"] = at::zeros({3, kSide, kSide});
  for (int64_t i = 0; i < 9; ++i)
    for (int64_t c = 0; c < 3; ++c)
      flat[c].narrow(0, i / 3 * 32, 32).narrow(1, i % 3 * 32, 32).fill_((i >> c) & 1 ? 1.0 : 0.0);
  at::Tensor& text = all["text"] = at::ones({3, kSide, kSide});
  for (int64_t row = 8; row < kSide - 12; row += 13)
    for (int64_t column = 6; column < kSide - 8; column += 7 + row % 3) {
      text.narrow(1, row, 9).narrow(2, column, 2).fill_(0);
      text.narrow(1, row + column % 8, 2).narrow(2, column, 5).fill_(0);
    }
  all["grey text"] = text * 0.7 + 0.15;
  const at::Tensor eighths = at::arange(kSide).div(8, "floor");
  all["squares"] =
      (eighths.unsqueeze(0) + eighths.unsqueeze(1)).remainder(2).to(at::kFloat).mul(0.6).add(0.2).expand_as(text);
  const at::Tensor rise = at::arange(kSide, at::kFloat).div(kSide - 1).expand({kSide, kSide});
  all["ramp"] = at::stack({rise, rise.t(), (rise + rise.t()) / 2});
  all["dead leaves"] = image::to_array(image::dead_leaves(3, kSide, kSide, 3));
  return all;
}

std::string file_of(const std::string& weights) {
  return (testing::source_folder() / "models" / (weights + ".safetensors")).string();
}

double error_of(const at::Tensor& image, const at::Tensor& clean) {
  return (image.clamp(0, 1) - clean).to(at::kDouble).square().mean().item<double>();
}

/// On one thread: pictures of this size give a second one nothing to do but wait for the first.
class ShippedDenoiser : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override { at::set_num_threads(1); }
  void TearDown() override { at::set_num_threads(before_); }

 private:
  int before_ = at::get_num_threads();
};

TEST_P(ShippedDenoiser, MakesNothingWorse) {
  const auto& [weights, engine] = GetParam();
  runtime::InferenceOptions options;
  options.engine = engine;
  runtime::Inference inference({file_of(weights), "", "", {}}, options);
  uint32_t seed = 20;
  for (auto [name, clean] : pictures()) {
    if (inference.channels() == 1) clean = clean.mean({0}, true).mul(255).round().div(255);
    for (const double sigma : engine == "fast" ? std::vector{0.0, 0.5, 1.0, 2.0, 3.0} : std::vector{2.0}) {
      const at::Tensor input =
          as_tensor(image::add_gaussian_noise(clean, sigma, ++seed, true)).mul(255).round().div(255);
      for (const bool told : {true, false}) {
        if (!told && sigma == 0) continue;  // what an image has of its own may count as noise
        inference.set_noise_level(told ? std::optional<double>(sigma) : std::nullopt);
        EXPECT_LE(error_of(inference.run(input).reconstruction, clean),
                  error_of(input, clean) * std::pow(10, 0.01))  // 0.1 dB
            << name << ", level " << sigma << (told ? ", told" : ", estimated");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, ShippedDenoiser,
                         ::testing::Combine(::testing::Values("natural-denoise-colour", "natural-denoise-grey",
                                                              "ultrasound-denoise"),
                                            ::testing::Values("fast", "plain")),
                         [](const auto& entry) {
                           std::string name = std::get<0>(entry.param) + "_" + std::get<1>(entry.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// Noise of a grey image is the same in all channels of its copies.
TEST(ShippedDenoisers, ColourWeightsTakeTheNoiseOfGreyImages) {
  const at::Tensor clean = image::to_array(image::dead_leaves(5, 128, 128, 1)) * 0.8 + 0.1;
  const at::Tensor noisy = image::add_gaussian_noise(clean, 20, 1, false);
  std::map<std::string, double> errors;
  for (const std::string weights : {"natural-denoise-colour", "natural-denoise-grey"}) {
    runtime::Inference inference({file_of(weights), "", "", {}}, {});
    const at::Tensor result = inference.run(noisy.expand({inference.channels(), 128, 128})).reconstruction;
    EXPECT_TRUE(at::equal(result, result.narrow(0, 0, 1).expand_as(result)));
    errors[weights] = error_of(result, clean.expand_as(result));
  }
  EXPECT_LT(errors["natural-denoise-colour"], 0.25 * error_of(noisy, clean));
  EXPECT_LT(errors["natural-denoise-colour"], 1.2 * errors["natural-denoise-grey"]);
}

}  // namespace
}  // namespace sscvae::tasks
