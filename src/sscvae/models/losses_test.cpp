#include "sscvae/models/losses.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/gradient_check.h"

namespace sscvae::models {
namespace {

/// A result of round numbers: one image of 1x2x2 pixels, one position with two features and three atoms.
ForwardResult small_result() {
  ForwardResult result;
  result.reconstruction = torch::tensor({0.5, 0.0, 1.0, 0.0}, at::kDouble).reshape({1, 1, 2, 2});
  result.features = torch::tensor({1.0, 2.0}, at::kDouble).reshape({1, 2, 1, 1});
  result.coded_features = torch::tensor({1.0, -1.0}, at::kDouble).reshape({1, 2, 1, 1});
  result.code = torch::tensor({-2.0, 0.0, 1.0}, at::kDouble).reshape({1, 3, 1, 1});
  result.threshold_refinement = torch::tensor({0.5, 9.0, 0.25}, at::kDouble).reshape({1, 3, 1, 1});
  return result;
}
const at::Tensor kTarget = torch::zeros({1, 1, 2, 2}, at::kDouble);

double total(const LossOptions& options, double weight = 0) {
  return compute_losses(small_result(), kTarget, options, weight).total.item<double>();
}

TEST(Losses, TermsHaveTheirStatedValues) {
  LossOptions options;
  options.sparsity = Sparsity::kL1;
  const Losses losses = compute_losses(small_result(), kTarget, options, 0.1);
  EXPECT_DOUBLE_EQ(losses.reconstruction.item<double>(), 1.25 / 4);  // mean of squares
  EXPECT_DOUBLE_EQ(losses.latent.item<double>(), 9.0);               // (2 - -1)^2
  EXPECT_DOUBLE_EQ(losses.sparsity.item<double>(), 0.5 * 2 + 0.25);  // sum alpha |z|
  EXPECT_DOUBLE_EQ(losses.total.item<double>(), 1.25 / 4 + 0.1 * 1.25);
}

TEST(Losses, OptionsChangeTheTerms) {
  LossOptions options;
  options.sparsity = Sparsity::kNone;
  EXPECT_DOUBLE_EQ(total(options), 1.25 / 4);
  options.reduction = Reduction::kSum;
  EXPECT_DOUBLE_EQ(total(options), 1.25);
  options.reconstruction = ReconstructionLoss::kAbsolute;
  EXPECT_DOUBLE_EQ(total(options), 1.5);
  options.reconstruction = ReconstructionLoss::kCharbonnier;
  EXPECT_NEAR(total(options), 1.5, 3e-3);
  options.reconstruction = ReconstructionLoss::kRms;
  EXPECT_NEAR(total(options), std::sqrt(1.25 / 4), 1e-5);
  options.reconstruction = ReconstructionLoss::kSquared;
  options.latent_weight = 2;
  EXPECT_DOUBLE_EQ(total(options), 1.25 + 2 * 9);
  options.latent_form = LatentForm::kCommitment;
  options.commitment = 0.25;
  EXPECT_DOUBLE_EQ(total(options), 1.25 + 2 * 1.25 * 9);
}

TEST(Losses, ASummedErrorSumsWhatCodesCost) {
  ForwardResult result = small_result();
  result.latent_loss = at::scalar_tensor(0.5, at::kDouble);
  result.log_variance = at::zeros({1, 3, 2, 5}, at::kDouble);  // 10 positions
  LossOptions options;
  options.sparsity = Sparsity::kNone;
  options.latent_weight = 1;
  EXPECT_DOUBLE_EQ(compute_losses(result, kTarget, options, 0).latent.item<double>(), 0.5);
  options.reduction = Reduction::kSum;
  EXPECT_DOUBLE_EQ(compute_losses(result, kTarget, options, 0).latent.item<double>(), 5);
  result.log_variance.reset();
  EXPECT_DOUBLE_EQ(compute_losses(result, kTarget, options, 0).latent.item<double>(), 0.5) << "neither kind of code";
  result.indices = at::zeros({1, 1, 1}, at::kLong);  // a codebook's, whose term is a mean over both features
  EXPECT_DOUBLE_EQ(compute_losses(result, kTarget, options, 0).latent.item<double>(), 1);
}

TEST(Losses, GradientsMatchDifferences) {
  torch::manual_seed(1);
  const auto leaf = [](at::IntArrayRef shape) { return torch::randn(shape, at::kDouble).requires_grad_(); };
  const at::Tensor reconstruction = leaf({2, 1, 4, 4}), features = leaf({2, 3, 2, 2}), coded = leaf({2, 3, 2, 2}),
                   code = leaf({2, 5, 2, 2});
  const at::Tensor alpha = torch::rand({2, 5, 2, 2}, at::kDouble).requires_grad_(),
                   target = torch::rand({2, 1, 4, 4}, at::kDouble);
  for (const auto kind : {ReconstructionLoss::kSquared, ReconstructionLoss::kAbsolute, ReconstructionLoss::kCharbonnier,
                          ReconstructionLoss::kRms}) {
    LossOptions options;
    options.reconstruction = kind;
    options.latent_weight = 0.5;
    options.sparsity = Sparsity::kL1;
    options.detach_threshold = false;
    const auto loss = [&] {
      ForwardResult result;
      result.reconstruction = reconstruction;
      result.features = features;
      result.coded_features = coded;
      result.code = code;
      result.threshold_refinement = alpha;
      return compute_losses(result, target, options, 0.3).total;
    };
    EXPECT_TRUE(testing::gradients_match(loss, {reconstruction, features, coded, code, alpha}));
  }
}

TEST(Losses, DetachedThresholdsReceiveNothing) {
  ForwardResult result = small_result();
  result.threshold_refinement = result.threshold_refinement.clone().requires_grad_();
  result.code = result.code.clone().requires_grad_();
  LossOptions options;
  options.sparsity = Sparsity::kL1;
  compute_losses(result, kTarget, options, 1).total.backward();
  EXPECT_TRUE(result.code.grad().defined());
  EXPECT_FALSE(result.threshold_refinement.grad().defined());
}

TEST(Losses, SteeringFollowsTheWishedNumberOfNonZeros) {
  LossOptions options;
  options.sparsity_target = 16;
  options.sparsity_max_weight = 1e-3;
  EXPECT_GT(steer_sparsity_weight(1e-4, 32, options), 1e-4);
  EXPECT_LT(steer_sparsity_weight(1e-4, 8, options), 1e-4);
  EXPECT_DOUBLE_EQ(steer_sparsity_weight(1e-4, 16, options), 1e-4);
  EXPECT_DOUBLE_EQ(steer_sparsity_weight(1e-3, 128, options), 1e-3);                   // at its upper end
  EXPECT_NEAR(steer_sparsity_weight(1e-4, 0, options), 1e-4 * std::exp(-0.1), 1e-12);  // the pull is limited
  options.sparsity = Sparsity::kL1;
  EXPECT_DOUBLE_EQ(steer_sparsity_weight(1e-4, 32, options), 1e-4);
}

TEST(Losses, AWeightOnTheDeviceIsTheSame) {
  LossOptions options;
  options.sparsity_target = 16;
  options.sparsity_max_weight = 1e-3;
  const auto scalar = [](double value) { return torch::full({}, value, at::kDouble); };
  for (const double nnz : {0.0, 8.0, 16.0, 32.0, 1e6})
    EXPECT_NEAR(steer_sparsity_weight(scalar(1e-4), scalar(nnz), options).item<double>(),
                steer_sparsity_weight(1e-4, nnz, options), 1e-16);
  EXPECT_DOUBLE_EQ(compute_losses(small_result(), kTarget, options, scalar(0.25)).total.item<double>(),
                   compute_losses(small_result(), kTarget, options, 0.25).total.item<double>());
  options.sparsity = Sparsity::kL1;
  EXPECT_DOUBLE_EQ(steer_sparsity_weight(scalar(1e-4), scalar(32), options).item<double>(), 1e-4);
}

TEST(Losses, RefusesATargetOfAnotherShape) {
  EXPECT_THROW(compute_losses(small_result(), torch::zeros({1, 1, 2, 3}, at::kDouble), {}, 0), ShapeError);
}

}  // namespace
}  // namespace sscvae::models
