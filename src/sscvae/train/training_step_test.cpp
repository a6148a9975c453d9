#include "sscvae/train/training_step.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/models/backbone.h"
#include "sscvae/models/registry.h"

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
serialization::StateDict moments_after(const std::vector<data::Batch>& batches) {
  const auto model = small_model();
  Adam adam(named_parameters(*model), {});
  training_step(*model, adam, batches, {}, 1e-3, 1e-3, 1);
  return adam.state();
}

TEST(TrainingStep, FourBatchesOfFourAreOneOfSixteen) {
  torch::manual_seed(6);
  const at::Tensor images = torch::rand({16, 1, 32, 32});
  std::vector<data::Batch> parts;
  for (int64_t i = 0; i < 4; ++i) parts.push_back({images.narrow(0, 4 * i, 4), images.narrow(0, 4 * i, 4), {}});
  const serialization::StateDict together = moments_after({{images, images, {}}}), apart = moments_after(parts);
  for (const auto& [name, expected] : together) {
    const double scale = expected.abs().max().item<double>();
    EXPECT_LE((apart.at(name) - expected).abs().max().item<double>(), 1e-4 * scale) << name;
  }
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
