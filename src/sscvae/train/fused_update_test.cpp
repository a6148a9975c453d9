#include "sscvae/train/fused_update.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/tolerances.h"

// What devices do, with the CPU as the device.
namespace sscvae::train {
namespace {

std::vector<NamedParameter> random_parameters(int64_t seed) {
  torch::manual_seed(static_cast<uint64_t>(seed));
  std::vector<NamedParameter> parameters;
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {7}, {3, 4, 5, 6}, {8, 8, 1, 1}, {5}})
    parameters.emplace_back("p" + std::to_string(parameters.size()), torch::randn(shape).requires_grad_(true));
  at::Tensor& filters = parameters[2].second;
  filters = filters.detach().contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
  return parameters;
}

/// Of all but the last; one in another memory layout than its parameter.
void draw_gradients(const std::vector<NamedParameter>& parameters, int64_t seed) {
  torch::manual_seed(static_cast<uint64_t>(seed));
  for (size_t i = 0; i + 1 < parameters.size(); ++i)
    at::Tensor(parameters[i].second).mutable_grad() = torch::randn(parameters[i].second.sizes());
}

TEST(FusedAdam, EqualsTheKernelOfTheCpu) {
  for (const double weight_decay : {0.0, 0.05}) {
    const AdamOptions options{0.9, 0.99, 1e-8, weight_decay};
    const auto ours = random_parameters(1), fused = random_parameters(1);
    Adam adam(ours, options), other(fused, options);
    for (int64_t step = 1; step <= 30; ++step) {
      draw_gradients(ours, 10 + step);
      draw_gradients(fused, 10 + step);
      const double rate = 1e-2 / static_cast<double>(step);
      adam.step(rate);
      fused_adam_step(other.with_gradients(), step, rate, options);
    }
    for (size_t i = 0; i < ours.size(); ++i)
      EXPECT_TRUE(testing::is_close(fused[i].second.detach(), ours[i].second.detach(), 1e-6)) << ours[i].first;
    const serialization::StateDict moments = other.state();
    for (const auto& [name, moment] : adam.state())
      EXPECT_TRUE(testing::is_close(moments.at(name), moment, 1e-6)) << name;
  }
}

TEST(FusedAdam, DoesNothingWithoutGradients) {
  const auto parameters = random_parameters(1);
  Adam adam(parameters, {});
  EXPECT_TRUE(adam.with_gradients().parameters.empty());
  fused_adam_step(adam.with_gradients(), 1, 1e-2, {});
  EXPECT_TRUE(at::equal(parameters[2].second, random_parameters(1)[2].second));
}

TEST(FusedClipping, EqualsThatOfTheCpu) {
  for (const double most : {0.5, 1e3}) {
    const auto ours = random_parameters(1), fused = random_parameters(1);
    draw_gradients(ours, 3);
    draw_gradients(fused, 3);
    const double norm = gradient_norm(ours);
    const at::Tensor scalar = fused_gradient_norm(fused);
    EXPECT_EQ(scalar.scalar_type(), at::kDouble);
    EXPECT_NEAR(scalar.item<double>() / norm, 1, 1e-6);
    clip_gradients(ours, norm, most);
    fused_clip_gradients(fused, scalar, most);
    EXPECT_NEAR(gradient_norm(fused), std::min(norm, most), 1e-5 * norm);
    for (size_t i = 0; i + 1 < ours.size(); ++i)
      EXPECT_TRUE(testing::is_close(fused[i].second.grad(), ours[i].second.grad(), 1e-6)) << ours[i].first;
  }
}

TEST(FusedClipping, OfNothingIsNothing) {
  const auto parameters = random_parameters(1);
  EXPECT_EQ(fused_gradient_norm(parameters).item<double>(), 0);
  fused_clip_gradients(parameters, torch::ones({}, at::kDouble), 0.1);
  EXPECT_FALSE(parameters[0].second.grad().defined());
}

}  // namespace
}  // namespace sscvae::train
