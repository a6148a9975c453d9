#include "sscvae/workshop/mac_counter.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/one_convolution.h"

namespace sscvae::workshop {
namespace {

int64_t macs_of_a_step(testing::OneConvolution& module, bool input_gradient) {
  const at::Tensor images = at::ones({5, 2, 6, 7}).requires_grad_(input_gradient);
  const MacCounter counter;
  module.conv->forward(images).sum().backward();
  return counter.macs();
}

TEST(MacCounter, AConvolutionCostsItsForwardAgainForEachGradient) {
  testing::OneConvolution module;
  EXPECT_EQ(macs_of_a_step(module, false), 2 * testing::kForwardMacs);
  EXPECT_EQ(macs_of_a_step(module, true), 3 * testing::kForwardMacs);
}

}  // namespace
}  // namespace sscvae::workshop
