#include "sscvae/nn/convolution.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/kernels/amx_convolution.h"

namespace sscvae::nn {
namespace {

/// Automatic casting as training does it.
struct Autocast {
  Autocast() {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  }
  ~Autocast() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
};

struct Gradients {
  at::Tensor y, x, weight, bias;
};

Gradients gradients_of(torch::nn::Conv2d& convolution, const at::Tensor& input, Before before, bool cast) {
  convolution->zero_grad(true);
  const at::Tensor x = input.detach().clone().requires_grad_(true);
  at::Tensor y;
  if (cast) {
    const Autocast autocast;
    y = convolve(convolution, x, before);
  } else {
    y = convolve(convolution, x, before);
  }
  torch::manual_seed(9);
  const at::Tensor upstream = torch::randn(y.sizes()).to(at::kBFloat16).to(at::kFloat);
  y.to(at::kFloat).backward(upstream);
  return {y.detach().to(at::kFloat), x.grad(), convolution->weight.grad().clone(),
          convolution->bias.defined() ? convolution->bias.grad().clone() : at::Tensor()};
}

void expect_near(const at::Tensor& found, const at::Tensor& expected, const std::string& what) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  const double scale = expected.abs().max().item<double>();
  EXPECT_LT((found - expected).abs().max().item<double>(), 2e-2 * scale) << what;
  EXPECT_LT((found - expected).square().mean().sqrt().item<double>(),
            5e-3 * expected.square().mean().sqrt().item<double>())
      << what;
}

TEST(Convolve, InBfloat16IsNearFloat32WithAllGradients) {
  if (!kernels::has_amx()) GTEST_SKIP() << "no AMX";
  torch::manual_seed(1);
  for (const int64_t kernel : {1, 3})
    for (const bool bias : {false, true})
      for (const Before before : {Before::kNothing, Before::kRelu}) {
        torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(32, 48, kernel).padding(kernel / 2).bias(bias));
        const at::Tensor x =
            torch::randn({2, 32, 13, 18}).to(at::kBFloat16).to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
        const Gradients expected = gradients_of(convolution, x, before, false);
        const Gradients found = gradients_of(convolution, x, before, true);
        expect_near(found.y, expected.y, "result");
        expect_near(found.x, expected.x, "gradient of x");
        expect_near(found.weight, expected.weight, "gradient of the weight");
        if (bias) expect_near(found.bias, expected.bias, "gradient of the bias");
      }
}

TEST(Convolve, IsTheModuleWithoutAutocast) {
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(32, 16, 3).padding(1));
  const at::Tensor x = torch::randn({1, 32, 8, 8});
  EXPECT_TRUE(at::equal(convolve(convolution, x, Before::kRelu), convolution->forward(at::relu(x))));
}

TEST(Convolve, OtherShapesTakeTheModule) {
  torch::manual_seed(2);
  const Autocast autocast;
  torch::nn::Conv2d strided(torch::nn::Conv2dOptions(16, 16, 3).padding(1).stride(2));
  torch::nn::Conv2d from_image(torch::nn::Conv2dOptions(1, 16, 3).padding(1));
  const at::Tensor wide = torch::randn({1, 16, 8, 8}), image = torch::randn({1, 1, 8, 8});
  EXPECT_TRUE(at::equal(convolve(strided, wide), strided->forward(wide)));
  EXPECT_TRUE(at::equal(convolve(from_image, image), from_image->forward(image)));
}

}  // namespace
}  // namespace sscvae::nn
