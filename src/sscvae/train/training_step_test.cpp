#include "sscvae/train/training_step.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

namespace sscvae::train {
namespace {

std::shared_ptr<models::Autoencoder> small_model() {
  models::ModelOptions options;
  options.lite.width = 16;
  options.sparse_coder.num_atoms = 32;
  options.sparse_coder.atom_dim = 16;
  options.sparse_coder.num_iterations = 4;
  const auto model = models::make_autoencoder(options, 1);
  use_channels_last(*model);
  model->train();
  return model;
}

/// Adam's first moments after one step over those batches: gradients up to a factor.
serialization::StateDict moments_after(const std::vector<Batch>& batches) {
  const auto model = small_model();
  Adam adam(named_parameters(*model), {});
  training_step(*model, adam, batches, {}, 1e-3, 1e-3, 1);
  return adam.state();
}

TEST(TrainingStep, FourBatchesOfFourAreOneOfSixteen) {
  torch::manual_seed(6);
  const at::Tensor images = torch::rand({16, 1, 32, 32});
  std::vector<Batch> parts;
  for (int64_t i = 0; i < 4; ++i) parts.push_back({images.narrow(0, 4 * i, 4), images.narrow(0, 4 * i, 4), {}});
  const serialization::StateDict together = moments_after({{images, images, {}}}), apart = moments_after(parts);
  for (const auto& [name, expected] : together) {
    const double scale = max(abs(expected));
    EXPECT_LE(max(abs(apart.at(name) - expected)), 1e-4 * scale) << name;
  }
}

TEST(TrainingStep, AQueuedOneIsTheSame) {
  torch::manual_seed(6);
  const at::Tensor images = torch::rand({8, 1, 32, 32});
  const std::vector<Batch> batches{{images.narrow(0, 0, 4), images.narrow(0, 0, 4), {}},
                                   {images.narrow(0, 4, 4), images.narrow(0, 4, 4), {}}};
  for (const double clip : {0.0, 1e-3}) {
    const auto one = small_model(), other = small_model();
    Adam adam(named_parameters(*one), {}), queued_adam(named_parameters(*other), {});
    StepSettings settings;
    settings.gradient_clip = clip;
    settings.loss.latent_weight = 0.5;
    const at::Tensor weight = at::full({}, 1e-3, at::kDouble);
    for (int64_t step = 1; step <= 3; ++step) {
      const StepFigures expected = training_step(*one, adam, batches, settings, 1e-3, 1e-3, step);
      const StepScalars queued = queue_training_step(*other, queued_adam, batches, settings, weight, 1e-3, step);
      const StepFigures actual = read_figures(queued, 0, nullptr);
      for (const auto& [a, b] : {std::pair{actual.loss, expected.loss},
                                 {actual.reconstruction, expected.reconstruction},
                                 {actual.latent, expected.latent},
                                 {actual.sparsity, expected.sparsity},
                                 {actual.nnz, expected.nnz},
                                 {actual.gradient_norm, expected.gradient_norm}})
        EXPECT_NEAR(a / b, 1, 1e-4) << step;
      EXPECT_TRUE(std::isnan(actual.codes_used));
      EXPECT_TRUE(at::allclose(actual.output, expected.output, 1e-3, 1e-4));
    }
    const auto after = one->parameters(), queued_after = other->parameters();
    for (size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(at::allclose(queued_after[i], after[i], 1e-3, 1e-4)) << i;
  }
}

TEST(TrainingStep, AQueuedOneGoesOnAfterABadLoss) {
  const auto model = small_model();
  Adam adam(named_parameters(*model), {});
  at::Tensor images = torch::rand({2, 1, 32, 32});
  images[0][0][3][4] = std::numeric_limits<float>::quiet_NaN();
  const StepScalars queued =
      queue_training_step(*model, adam, {{images, images, {}}}, {}, at::full({}, 1e-3, at::kDouble), 1e-3, 1);
  EXPECT_TRUE(std::isnan(queued.loss.item<double>()));
  EXPECT_THROW(training_step(*model, adam, {{images, images, {}}}, {}, 1e-3, 1e-3, 2), DivergenceError);
}

TEST(TrainingStep, ADenoiserMayBeToldTheLevelsOfTheNoise) {
  models::ModelOptions options;
  options.name = "csc";
  options.csc.num_atoms = 16;
  options.csc.num_iterations = 2;
  torch::manual_seed(7);
  const at::Tensor images = torch::rand({4, 1, 32, 32});
  const auto nonzeros = [&](NoiseLevels levels, double said) {
    const auto model = models::make_autoencoder(options, 1);
    Adam adam(named_parameters(*model), {});
    StepSettings settings;
    settings.noise_levels = levels;
    const at::Tensor before = model->forward(images).code;
    const double nnz =
        training_step(*model, adam, {{images, images, {}, {said, said, said, said}}}, settings, 0, 0, 1).nnz;
    EXPECT_TRUE(at::equal(before, model->forward(images).code)) << "the level must be forgotten after the step";
    return nnz;
  };
  EXPECT_EQ(nonzeros(NoiseLevels::kEstimated, 0), nonzeros(NoiseLevels::kEstimated, 200));
  EXPECT_GT(nonzeros(NoiseLevels::kTold, 0), 1.5 * nonzeros(NoiseLevels::kTold, 200));
}

TEST(TrainingStep, MeasuringMemoryLeavesNoTraceAndRecomputingTakesLess) {
  const auto model = small_model();
  const at::Tensor images = torch::rand({4, 1, 64, 64});
  std::vector<at::Tensor> before;
  for (const at::Tensor& tensor : model->parameters()) before.push_back(tensor.clone());
  const int64_t kept = measure_pass_memory(*model, {images, images, {}}, {});
  models::set_recompute(*model, true);
  const int64_t again = measure_pass_memory(*model, {images, images, {}}, {});
  EXPECT_GT(again, 0);
  EXPECT_LT(again, kept);
  const std::vector<at::Tensor> after = model->parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(before[i], after[i]));
    EXPECT_FALSE(after[i].grad().defined());
  }
}

}  // namespace
}  // namespace sscvae::train
