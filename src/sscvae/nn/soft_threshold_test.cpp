#include "sscvae/nn/soft_threshold.h"

#include <gtest/gtest.h>

#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

using testing::gradients_match;
using testing::is_close;

TEST(SoftThreshold, StatedValues) {
  const at::Tensor v = torch::tensor({-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0});
  const at::Tensor one = torch::tensor(1.0);
  EXPECT_TRUE(at::equal(soft_threshold(v, one), torch::tensor({-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0})));
  EXPECT_TRUE(at::equal(soft_threshold(v, one), v - v.clamp(-1.0, 1.0)));
  EXPECT_TRUE(at::equal(soft_threshold(v, -one), torch::tensor({-3.0, -2.0, -1.5, 0.0, 1.5, 2.0, 3.0})));
}

TEST(SoftThreshold, GradientsMatchDifferences) {
  torch::manual_seed(1);
  // Values keep away from the kinks |v| = theta and v = 0.
  const at::Tensor v = (torch::randn({3, 4, 5}, at::kDouble) * 2).add_(0.05).requires_grad_();
  const at::Tensor theta = (torch::rand({1, 4, 1}, at::kDouble) - 0.3).requires_grad_();
  const at::Tensor weights = torch::randn({3, 4, 5}, at::kDouble);
  EXPECT_TRUE(gradients_match([&] { return (soft_threshold(v, theta) * weights).sum(); }, {v, theta}));
}

TEST(GradientCheck, NoticesAWrongGradient) {
  const at::Tensor x = torch::ones({3}, at::kDouble).requires_grad_();
  // The detached factor makes the analytic gradient half of the true one.
  EXPECT_FALSE(gradients_match([&] { return (x * x.detach()).sum(); }, {x}));
  EXPECT_TRUE(gradients_match([&] { return (x * x).sum(); }, {x}));
}

TEST(SoftThreshold, Parity) {
  const auto file =
      serialization::read_safetensors(testing::parity_folder() / "blocks/soft_threshold.safetensors").tensors;
  const at::Tensor v = as_tensor(file.at("input")).clone().requires_grad_(),
                   theta = as_tensor(file.at("theta")).clone().requires_grad_();
  const at::Tensor output = soft_threshold(v, theta);
  EXPECT_TRUE(is_close(output, file.at("output"), testing::kBlock.float64));
  const auto gradients = torch::autograd::grad({output}, {v, theta}, {file.at("grad_output")});
  EXPECT_TRUE(is_close(gradients[0], file.at("grad/x"), testing::kBlockGradient.float64));
  EXPECT_TRUE(is_close(gradients[1], file.at("grad/theta"), testing::kBlockGradient.float64));
  EXPECT_TRUE(is_close(soft_threshold(file.at("kink/input"), file.at("kink/theta")), file.at("kink/output"),
                       testing::kBlock.float64));
}

}  // namespace
}  // namespace sscvae::nn
