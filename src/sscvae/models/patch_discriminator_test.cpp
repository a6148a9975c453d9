#include "sscvae/models/patch_discriminator.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/gradient_check.h"

namespace sscvae::models {
namespace {

PatchDiscriminatorOptions small_discriminator() {
  PatchDiscriminatorOptions options;
  options.channels = 4;
  options.layers = 2;
  return options;
}

int64_t parameter_count(torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

TEST(PatchDiscriminator, IsThePublishedNetwork) {
  PatchDiscriminator discriminator(3, {}, 1);
  // C64, C128, C256, C512 and the last convolution, 4x4 each; weight and bias of three normalisations.
  const int64_t expected = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 64 + 1 + 2 * (128 + 256 + 512);
  EXPECT_EQ(parameter_count(discriminator), expected);
  EXPECT_EQ(discriminator.forward(torch::rand({2, 3, 256, 256})).sizes(), at::IntArrayRef({2, 1, 30, 30}));
}

TEST(PatchDiscriminator, SizesAreAsStated) {
  PatchDiscriminator discriminator(1, small_discriminator(), 1);
  for (const int64_t side : {12, 13, 31})
    EXPECT_EQ(discriminator.forward(torch::rand({1, 1, side, 16})).sizes(), at::IntArrayRef({1, 1, side / 4 - 2, 2}));
  EXPECT_THROW(discriminator.forward(torch::rand({1, 1, 11, 16})), ShapeError);
  EXPECT_THROW(discriminator.forward(torch::rand({1, 3, 16, 16})), ShapeError);
}

TEST(PatchDiscriminator, TheSeedDecidesItsWeights) {
  PatchDiscriminator a(1, small_discriminator(), 1), b(1, small_discriminator(), 1), c(1, small_discriminator(), 2);
  EXPECT_TRUE(at::equal(a.parameters()[0], b.parameters()[0]));
  EXPECT_FALSE(at::equal(a.parameters()[0], c.parameters()[0]));
  EXPECT_NEAR(PatchDiscriminator(3, {}, 1).named_parameters()["conv3.weight"].std().item<double>(), 0.02, 1e-3);
}

TEST(HingeLosses, HaveTheirStatedValuesAndGradients) {
  const at::Tensor real = torch::tensor({2.0, 0.0}, at::kDouble).requires_grad_();
  const at::Tensor fake = torch::tensor({-3.0, 0.5}, at::kDouble).requires_grad_();
  EXPECT_DOUBLE_EQ(hinge_discriminator_loss(real, fake).item<double>(), 0.5 * (0.5 * (0 + 1) + 0.5 * (0 + 1.5)));
  EXPECT_DOUBLE_EQ(hinge_generator_loss(fake).item<double>(), 1.25);
  EXPECT_TRUE(testing::gradients_match([&] { return hinge_discriminator_loss(real, fake); }, {real, fake}));
  EXPECT_TRUE(testing::gradients_match([&] { return hinge_generator_loss(fake); }, {fake}));
}

TEST(HingeLosses, GradientsThroughTheDiscriminatorMatchDifferences) {
  PatchDiscriminatorOptions options = small_discriminator();
  options.normalization = Normalization::kGroup;
  PatchDiscriminator discriminator(1, options, 1);
  discriminator.to(at::kDouble);
  torch::manual_seed(1);
  {
    const at::NoGradGuard no_grad;  // larger weights than at the start, so that gradients are
    for (at::Tensor& parameter : discriminator.parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  }
  const at::Tensor fake = torch::rand({2, 1, 16, 16}, at::kDouble).requires_grad_(),
                   real = torch::rand({2, 1, 16, 16}, at::kDouble);
  EXPECT_TRUE(testing::gradients_match([&] { return hinge_generator_loss(discriminator.forward(fake)); }, {fake}));
  EXPECT_TRUE(testing::gradients_match(
      [&] { return hinge_discriminator_loss(discriminator.forward(real), discriminator.forward(fake.detach())); },
      discriminator.parameters(), 1e-6, 10));
}

}  // namespace
}  // namespace sscvae::models
