#include "sscvae/tasks/mac_counter.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/one_convolution.h"

namespace sscvae::tasks {
namespace {

int64_t macs_of_a_step(testing::OneConvolution& module, bool input_gradient) {
  const at::Tensor images = at::ones({5, 2, 6, 7}).requires_grad_(input_gradient);
  const MacCounter counter(parameter_names(module), CountingRule::kExact);
  module.conv->forward(images).sum().backward();
  return counter.macs();
}

TEST(MacCounter, AConvolutionCostsItsForwardAgainForEachGradient) {
  testing::OneConvolution module;
  EXPECT_EQ(macs_of_a_step(module, false), 2 * testing::kForwardMacs);
  EXPECT_EQ(macs_of_a_step(module, true), 3 * testing::kForwardMacs);
}

TEST(MacCounter, NamesTheLayerOfABackwardConvolution) {
  testing::OneConvolution module;
  const MacCounter counter(parameter_names(module), CountingRule::kExact);
  module.conv->forward(at::ones({1, 2, 4, 4})).sum().backward();
  ASSERT_EQ(counter.layers().size(), 2u);
  EXPECT_EQ(counter.layers()[1].name, "conv");
  EXPECT_EQ(counter.layers()[1].operation, "convolution backward");
  EXPECT_EQ(counter.layers()[1].output_shape, (std::vector<int64_t>{1, 4, 4, 4}));
}

}  // namespace
}  // namespace sscvae::tasks
