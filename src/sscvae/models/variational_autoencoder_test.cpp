#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/models/registry.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/gaussian_code.h"
#include "support/gradient_check.h"

namespace sscvae::models {
namespace {

ModelOptions small_vae() {
  ModelOptions options;
  options.name = "vae";
  options.lite.width = 8;
  options.lite.num_blocks = 1;
  options.down_samples = 2;
  options.vae.latent_dim = 6;
  return options;
}

TEST(GaussianDivergence, HasItsStatedValue) {
  const at::Tensor mean = torch::tensor({1.0, -2.0}, at::kDouble).reshape({1, 2, 1, 1});
  const at::Tensor log_variance = torch::tensor({0.0, std::log(4.0)}, at::kDouble).reshape({1, 2, 1, 1});
  EXPECT_NEAR(nn::gaussian_divergence(mean, log_variance).item<double>(), 0.5 * 1 + 0.5 * (4 + 4 - 1 - std::log(4.0)),
              1e-12);
  const at::Tensor zero = torch::zeros({3, 2, 4, 5}, at::kDouble);
  EXPECT_EQ(nn::gaussian_divergence(zero, zero).item<double>(), 0);
  // Positions and images are averaged, not summed.
  EXPECT_NEAR(nn::gaussian_divergence(mean.expand({7, 2, 3, 3}), log_variance.expand({7, 2, 3, 3})).item<double>(),
              nn::gaussian_divergence(mean, log_variance).item<double>(), 1e-12);
}

TEST(GaussianDivergence, GradientsMatchDifferences) {
  torch::manual_seed(1);
  const at::Tensor mean = torch::randn({2, 3, 2, 2}, at::kDouble).requires_grad_();
  const at::Tensor log_variance = torch::randn({2, 3, 2, 2}, at::kDouble).requires_grad_();
  EXPECT_TRUE(
      testing::gradients_match([&] { return nn::gaussian_divergence(mean, log_variance); }, {mean, log_variance}));
}

TEST(VariationalAutoencoder, GradientsThroughTheSampleMatchDifferences) {
  const auto model = make_autoencoder(small_vae(), 3);
  model->to(at::kDouble);
  model->set_noise_seed(5);
  torch::manual_seed(2);
  const at::Tensor images = torch::rand({1, 1, 8, 8}, at::kDouble).requires_grad_();
  std::vector<at::Tensor> inputs{images};
  for (const auto& item : model->named_parameters())
    if (item.key().find("_posterior") == 0) inputs.push_back(item.value());
  ASSERT_EQ(inputs.size(), 3u);
  const auto loss = [&] {
    const ForwardResult result = model->forward(images);
    return result.reconstruction.square().mean() + 100 * result.latent_loss;
  };
  EXPECT_TRUE(testing::gradients_match(loss, inputs));
}

TEST(VariationalAutoencoder, SamplesInTrainingOnlyAndBySeed) {
  const auto model = make_autoencoder(small_vae(), 3);
  const at::NoGradGuard no_grad;
  const at::Tensor images = torch::rand({2, 1, 16, 16});
  model->train();
  model->set_noise_seed(1);
  const ForwardResult first = model->forward(images);
  EXPECT_TRUE(at::equal(first.code, model->forward(images).code));
  model->set_noise_seed(2);
  EXPECT_FALSE(at::equal(first.code, model->forward(images).code));
  const at::Tensor noise = (first.code - first.mean) / (0.5 * first.log_variance).exp();
  EXPECT_NEAR(noise.mean().item<double>(), 0, 0.2);
  EXPECT_NEAR(noise.std().item<double>(), 1, 0.2);
  model->eval();
  const ForwardResult still = model->forward(images);
  EXPECT_TRUE(at::equal(still.code, still.mean));
  EXPECT_FALSE(still.sparse_code().defined());
}

}  // namespace
}  // namespace sscvae::models
