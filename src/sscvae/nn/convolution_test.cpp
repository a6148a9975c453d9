#include "sscvae/nn/convolution.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <functional>

#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/nn/arrays.h"

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

using Layer = std::function<at::Tensor(const at::Tensor&)>;

at::Tensor rounded(at::IntArrayRef sizes) {
  return torch::randn(sizes).to(at::kBFloat16).to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
}

/// The result and the gradients of x and of all weights.
std::vector<at::Tensor> run_layer(const Layer& layer, const std::vector<at::Tensor>& weights, const at::Tensor& input,
                                  bool cast) {
  for (at::Tensor weight : weights) weight.mutable_grad() = at::Tensor();
  const at::Tensor x = input.detach().clone().requires_grad_(true);
  at::Tensor y;
  if (cast) {
    const Autocast autocast;
    y = layer(x);
    EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  } else {
    y = layer(x);
  }
  torch::manual_seed(9);
  y.to(at::kFloat).backward(rounded(y.sizes()));
  std::vector<at::Tensor> all{y.detach().to(at::kFloat), x.grad()};
  for (const at::Tensor& weight : weights) all.push_back(weight.grad().clone());
  return all;
}

/// Largest errors, as shares of the largest and the root mean square value.
struct Tolerance {
  double largest = 2e-2, mean = 6e-3;
};

void expect_near_float32(const Layer& layer, const std::vector<at::Tensor>& weights, at::IntArrayRef sizes,
                         const Tolerance& tolerance = {}) {
  const at::Tensor x = rounded(sizes);
  const auto expected = run_layer(layer, weights, x, false), found = run_layer(layer, weights, x, true);
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(found[i].sizes(), expected[i].sizes()) << i;
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_LT((found[i] - expected[i]).abs().max().item<double>(), tolerance.largest * scale) << i;
    EXPECT_LT((found[i] - expected[i]).square().mean().sqrt().item<double>(),
              tolerance.mean * expected[i].square().mean().sqrt().item<double>())
        << i;
  }
}

std::vector<at::Tensor> weights_of(torch::nn::Module& module) { return module.parameters(); }

/// The layer's weights as the operation.
live::Convolution of(const torch::nn::Conv2d& layer) {
  const int64_t padding = std::get<torch::ExpandingArray<2>>(layer->options.padding())->at(0);
  return {layer->weight, layer->bias, layer->options.stride()->at(0), padding};
}

TEST(Convolution, InBfloat16IsNearFloat32WithAllGradients) {
  if (!kernels::has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(1);
  for (const auto& [ins, outs, kernel] :
       {std::tuple{32, 48, 1}, {32, 48, 3}, {1, 32, 3}, {3, 16, 3}, {32, 1, 3}, {16, 3, 3}})
    for (const bool bias : {false, true}) {
      torch::nn::Conv2d layer(torch::nn::Conv2dOptions(ins, outs, kernel).padding(kernel / 2).bias(bias));
      expect_near_float32([&](const at::Tensor& x) { return convolve(of(layer), x); }, weights_of(*layer),
                          {2, ins, 13, 18});
    }
}

TEST(Convolution, ResidualBlocksInBfloat16Too) {
  if (!kernels::has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(2);
  torch::nn::Conv2d narrow(torch::nn::Conv2dOptions(64, 32, 3).padding(1).bias(false));
  torch::nn::Conv2d widen(torch::nn::Conv2dOptions(32, 64, 1).bias(false));
  expect_near_float32([&](const at::Tensor& x) { return residual_convolutions(of(narrow), of(widen), x); },
                      {narrow->weight, widen->weight}, {2, 64, 9, 21},
                      {0.3, 5e-2});  // a relu that rounding turns on or off changes a whole gradient
}

TEST(Convolution, ExpansionsInBfloat16Too) {
  if (!kernels::has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(3);
  torch::nn::ConvTranspose2d expansion(torch::nn::ConvTranspose2dOptions(48, 32, 2).stride(2));
  expect_near_float32(
      [&](const at::Tensor& x) {
        return expand({expansion->weight, expansion->bias}, x);
      },
      weights_of(*expansion), {2, 48, 7, 10});
}

/// By the layer and by LibTorch's convolution in double: result, gradients of input, weight and bias.
void expect_float32(torch::nn::Conv2d& layer, const at::Tensor& input) {
  const at::Tensor x = input.detach().clone().requires_grad_(true), y = convolve(of(layer), x);
  const at::Tensor gradient = torch::randn(y.sizes());
  const at::Tensor exact_x = input.to(at::kDouble).requires_grad_(true);
  const at::Tensor weight = layer->weight.detach().to(at::kDouble).requires_grad_(true);
  const at::Tensor bias = layer->bias.detach().to(at::kDouble).requires_grad_(true);
  const at::Tensor exact_y = at::conv2d(exact_x, weight, bias, 1, 1);
  y.backward(gradient);
  exact_y.backward(gradient.to(at::kDouble));
  const std::vector<std::pair<at::Tensor, at::Tensor>> pairs{{y, exact_y},
                                                             {x.grad(), exact_x.grad()},
                                                             {layer->weight.grad(), weight.grad()},
                                                             {layer->bias.grad(), bias.grad()}};
  for (const auto& [found, expected] : pairs) {
    ASSERT_EQ(found.sizes(), expected.sizes());
    EXPECT_LT((found - expected).abs().max().item<double>(), 3e-5 * expected.abs().max().item<double>());
  }
}

TEST(Convolution, InFloat32IsThatOfDoubles) {
  torch::manual_seed(4);
  for (const auto& [ins, outs] : {std::pair{32, 48}, {96, 32}}) {
    torch::nn::Conv2d layer(torch::nn::Conv2dOptions(ins, outs, 3).padding(1));
    expect_float32(layer, torch::randn({2, ins, 25, 22}));
    layer->zero_grad();
    expect_float32(layer, torch::randn({2, ins, 25, 22}).contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST(Convolution, InFloat32HasSecondDerivatives) {
  torch::manual_seed(5);
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(32, 32, 3).padding(1));
  const auto second = [&](bool ours) {
    const at::Tensor x = torch::ones({1, 32, 32, 32}).requires_grad_(true);
    const at::Tensor y = ours ? convolve(of(layer), x) : layer->forward(x);
    const at::Tensor dx = torch::autograd::grad({y.square().sum()}, {x}, {}, true, true)[0];
    layer->zero_grad();
    dx.square().sum().backward();
    return layer->weight.grad().clone();
  };
  const at::Tensor expected = second(false);
  EXPECT_LT((second(true) - expected).abs().max().item<double>(), 1e-4 * expected.abs().max().item<double>());
}

TEST(Convolution, IsTheModuleWithoutGradients) {
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(32, 32, 3).padding(1));
  const at::Tensor x = torch::randn({1, 32, 32, 32});
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(convolve(of(convolution), x), convolution->forward(x)));
}

TEST(Convolution, OtherShapesTakeTheModule) {
  torch::manual_seed(2);
  const Autocast autocast;
  torch::nn::Conv2d strided(torch::nn::Conv2dOptions(16, 16, 3).padding(1).stride(2));
  torch::nn::Conv2d odd(torch::nn::Conv2dOptions(16, 20, 3).padding(1));
  const at::Tensor x = torch::randn({1, 16, 8, 8});
  EXPECT_TRUE(at::equal(convolve(of(strided), x), strided->forward(x)));
  EXPECT_TRUE(at::equal(convolve(of(odd), x), odd->forward(x)));
}

}  // namespace
}  // namespace sscvae::nn
