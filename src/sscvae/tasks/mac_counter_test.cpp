#include "sscvae/tasks/mac_counter.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

namespace sscvae::tasks {
namespace {

/// A module with one convolution 2 -> 4 (3x3) called "conv".
class Holder : public torch::nn::Module {
 public:
  Holder() { conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 4, 3).padding(1))); }
  torch::nn::Conv2d conv{nullptr};
};

constexpr int64_t kForwardMacs = 5 * 6 * 7 * (2 * 4 * 9);  // batch, positions, kernel

int64_t macs_of_a_step(Holder& module, bool input_gradient) {
  const at::Tensor images = at::ones({5, 2, 6, 7}).requires_grad_(input_gradient);
  const MacCounter counter(parameter_names(module), CountingRule::kExact);
  module.conv->forward(images).sum().backward();
  return counter.macs();
}

TEST(MacCounter, AConvolutionCostsItsForwardAgainForEachGradient) {
  Holder module;
  EXPECT_EQ(macs_of_a_step(module, false), 2 * kForwardMacs);
  EXPECT_EQ(macs_of_a_step(module, true), 3 * kForwardMacs);
}

TEST(MacCounter, NamesTheLayerOfABackwardConvolution) {
  Holder module;
  const MacCounter counter(parameter_names(module), CountingRule::kExact);
  module.conv->forward(at::ones({1, 2, 4, 4})).sum().backward();
  ASSERT_EQ(counter.layers().size(), 2u);
  EXPECT_EQ(counter.layers()[1].name, "conv");
  EXPECT_EQ(counter.layers()[1].operation, "convolution backward");
  EXPECT_EQ(counter.layers()[1].output_shape, (std::vector<int64_t>{1, 4, 4, 4}));
}

}  // namespace
}  // namespace sscvae::tasks
