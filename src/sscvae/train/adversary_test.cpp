#include "sscvae/train/adversary.h"
#include "sscvae/core/error.h"
#include "sscvae/models/losses.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/training_step.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "support/gradient_check.h"

namespace sscvae::train {
namespace {

AdversarialOptions small_options() {
  AdversarialOptions options;
  options.weight = 0.5;
  options.start = 0;
  options.discriminator.channels = 4;
  options.discriminator.layers = 1;
  return options;
}

Adversary make(const AdversarialOptions& options, PerceptualDistance perceptual = {}) {
  return Adversary(options, 1, 3, c10::Device(c10::kCPU), false, std::move(perceptual));
}

at::Tensor mean_absolute(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().mean({1, 2, 3}); }

std::shared_ptr<models::Autoencoder> small_vq_gan() {
  models::ModelOptions options;
  options.name = "vq-gan";
  options.lite.width = 8;
  options.lite.num_blocks = 1;
  options.down_samples = 2;
  options.quantizer.num_codes = 8;
  options.quantizer.code_dim = 4;
  return models::make_autoencoder(options, 1);
}

TEST(Adversary, WaitsForItsStart) {
  AdversarialOptions options = small_options();
  options.start = 5;
  Adversary adversary = make(options);
  const auto model = small_vq_gan();
  const at::Tensor images = torch::rand({2, 1, 16, 16}), made = model->forward(images).reconstruction;
  adversary.begin_step(5);
  EXPECT_FALSE(adversary.generator_term(*model, made, images, (made - images).square().mean(), 1).defined());
  adversary.learn(made, images, 1);
  adversary.finish_step(1e-3);
  EXPECT_EQ(adversary.adam()->steps(), 0);
  EXPECT_TRUE(std::isnan(adversary.figures().discriminator));
  adversary.begin_step(6);
  EXPECT_TRUE(adversary.generator_term(*model, made, images, (made - images).square().mean(), 1).defined());
  adversary.learn(made, images, 1);
  adversary.finish_step(1e-3);
  EXPECT_EQ(adversary.adam()->steps(), 1);
  EXPECT_TRUE(std::isfinite(adversary.figures().discriminator));
}

TEST(Adversary, TheAdaptiveWeightBalancesGradientsAtTheLastLayer) {
  const auto model = small_vq_gan();
  torch::manual_seed(1);
  const at::Tensor images = torch::rand({2, 1, 16, 16}), made = model->forward(images).reconstruction;
  const at::Tensor pixels = (made - images).square().mean();
  AdversarialOptions options = small_options();
  Adversary adversary = make(options);
  adversary.begin_step(1);
  const at::Tensor term = adversary.generator_term(*model, made, images, pixels, 1);
  const auto norm = [&](const at::Tensor& loss) {
    return torch::autograd::grad({loss}, {model->last_weight()}, {}, true)[0].norm().item<double>();
  };
  // term = weight lambda g, so that its gradient has `weight` times the length of the pixel term's, up to the small
  // constant.
  const double lambda = adversary.figures().adaptive_weight;
  const double deception = norm(term) / (options.weight * lambda);
  EXPECT_NEAR(lambda, norm(pixels) / (deception + 1e-4), 1e-4 * lambda);
  EXPECT_NEAR(term.item<double>(), options.weight * lambda * adversary.figures().adversarial, 1e-5);
  options.max_adaptive = lambda / 2;
  Adversary limited = make(options);
  limited.begin_step(1);
  limited.generator_term(*model, made, images, pixels, 1);
  EXPECT_NEAR(limited.figures().adaptive_weight, lambda / 2, 1e-9);
}

TEST(Adversary, SummedPixelErrorsBringTheOtherTermsAlong) {
  const auto model = small_vq_gan();
  torch::manual_seed(1);
  const at::Tensor images = torch::rand({2, 1, 16, 16}), made = model->forward(images).reconstruction;
  models::LossOptions sums;
  sums.reduction = models::Reduction::kSum;
  const double unit = models::weight_of_means(sums, images);
  EXPECT_EQ(unit, 256);
  EXPECT_EQ(models::weight_of_means({}, images), 1);
  AdversarialOptions options = small_options();
  options.perceptual_weight = 0.3;
  options.max_adaptive = 1e9;
  const at::Tensor pixels = (made - images).square().mean();
  const auto term = [&](const at::Tensor& loss, double weight) {
    Adversary adversary = make(options, mean_absolute);
    adversary.begin_step(1);
    return adversary.generator_term(*model, made, images, loss, 1, weight).item<double>();
  };
  EXPECT_NEAR(term(256 * pixels, unit) / (256 * term(pixels, 1)), 1, 1e-4);
  options.adaptive = false;
  EXPECT_NEAR(term(256 * pixels, unit) / (256 * term(pixels, 1)), 1, 1e-4);
}

TEST(Adversary, TheAutoencodersTermGivesTheDiscriminatorNoGradients) {
  const auto model = small_vq_gan();
  const at::Tensor images = torch::rand({2, 1, 16, 16}), made = model->forward(images).reconstruction;
  Adversary adversary = make(small_options());
  adversary.begin_step(1);
  adversary.generator_term(*model, made, images, (made - images).square().mean(), 1).backward();
  for (const at::Tensor& parameter : adversary.discriminator()->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
    EXPECT_TRUE(parameter.requires_grad());
  }
}

TEST(Adversary, GradientsOfItsTermMatchDifferences) {
  AdversarialOptions options = small_options();
  options.adaptive = false;
  options.perceptual_weight = 0.3;
  options.discriminator.normalization = models::Normalization::kNone;
  Adversary adversary = make(options, mean_absolute);
  adversary.discriminator()->to(at::kDouble);
  const auto model = small_vq_gan();
  torch::manual_seed(2);
  const at::Tensor made = torch::rand({2, 1, 12, 12}, at::kDouble).requires_grad_(),
                   images = torch::rand({2, 1, 12, 12}, at::kDouble);
  adversary.begin_step(1);
  const auto term = [&] { return adversary.generator_term(*model, made, images, (made - images).square().mean(), 1); };
  EXPECT_TRUE(testing::gradients_match(term, {made}));
}

TEST(Adversary, PerceptualDistancesComeFromOutside) {
  AdversarialOptions options;
  EXPECT_FALSE(Adversary::is_wanted(options));
  options.perceptual_weight = 2;
  EXPECT_TRUE(Adversary::is_wanted(options));
  EXPECT_THROW(make(options), UsageError);
  Adversary adversary = make(options, [](const at::Tensor& a, const at::Tensor& b) {
    EXPECT_EQ(a.sizes(), at::IntArrayRef({2, 3, 16, 16}));  // grey is repeated
    EXPECT_LT(a.min().item<double>(), 0);                   // [-1,1]
    return mean_absolute(a, b);
  });
  EXPECT_EQ(adversary.discriminator(), nullptr);
  const auto model = small_vq_gan();
  const at::Tensor images = torch::rand({2, 1, 16, 16}), made = model->forward(images).reconstruction;
  adversary.begin_step(1);
  const at::Tensor term = adversary.generator_term(*model, made, images, (made - images).square().mean(), 1);
  EXPECT_NEAR(term.item<double>(), 2 * 2 * (made - images).abs().mean().item<double>(), 1e-5);
}

TEST(Adversary, LearnsToTellImagesFromReconstructions) {
  const auto model = small_vq_gan();
  torch::manual_seed(3);
  const at::Tensor images = torch::rand({4, 1, 16, 16});
  model->initialize_from(images);
  Adam adam(named_parameters(*model), {});
  AdversarialOptions options = small_options();
  options.weight = 1e-6;  // the autoencoder hardly resists
  Adversary adversary = make(options);
  StepSettings settings;
  settings.loss.latent_weight = 1;
  settings.adversary = &adversary;
  double first = 0, last = 0;
  for (int64_t step = 1; step <= 60; ++step) {
    last = training_step(*model, adam, {{images, images, {}}}, settings, 0, 1e-3, step).adversary.discriminator;
    if (step == 1) first = last;
  }
  EXPECT_LT(last, 0.7 * first);
}

}  // namespace
}  // namespace sscvae::train
