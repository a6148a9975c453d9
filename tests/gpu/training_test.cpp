#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/train/training_step.h"
#include "support/gpu.h"
#include "support/small_models.h"

// A few steps of training on a GPU against the same on the CPU.
namespace sscvae::train {
namespace {

class GpuTraining : public testing::GpuTest, public ::testing::WithParamInterface<std::string> {};

struct Outcome {
  std::vector<StepFigures> figures;
  std::vector<at::Tensor> changes;  // of each parameter, on the CPU
};

Outcome run_training(const std::string& profile, c10::Device device) {
  const auto model = models::make_autoencoder(testing::small_options("ssc-vae", profile), 1);
  torch::manual_seed(5);
  const at::Tensor images = torch::rand({2, model->options().in_channels, 64, 64});
  model->initialize_from(images);
  std::vector<at::Tensor> before;
  for (const at::Tensor& parameter : model->parameters()) before.push_back(parameter.detach().clone());
  model->to(device);
  use_channels_last(*model);
  model->train();

  Adam adam(named_parameters(*model), {0.9, 0.999, 1e-4});  // gradients that are rounding noise move nothing
  StepSettings settings;
  settings.loss.latent_weight = 1;
  settings.device = device;
  Outcome run;
  for (int64_t step = 1; step <= 3; ++step)
    run.figures.push_back(training_step(*model, adam, {{images, images, {}}}, settings, 1e-4, 1e-3, step));
  const auto after = model->parameters();
  for (size_t i = 0; i < after.size(); ++i) run.changes.push_back(after[i].detach().cpu() - before[i]);
  return run;
}

TEST_P(GpuTraining, EqualsThatOfTheCpu) {
  const Outcome expected = run_training(GetParam(), c10::kCPU), actual = run_training(GetParam(), {testing::kGpu, 0});
  for (size_t i = 0; i < expected.figures.size(); ++i) {
    const StepFigures &a = actual.figures[i], &b = expected.figures[i];
    EXPECT_NEAR(a.loss / b.loss, 1, 1e-3) << "step " << i + 1;
    EXPECT_NEAR(a.gradient_norm / b.gradient_norm, 1, 1e-2) << "step " << i + 1;
    EXPECT_NEAR(a.nnz, b.nnz, 0.01 * b.nnz + 0.01) << "step " << i + 1;
  }
  double difference = 0, change = 0;
  for (size_t i = 0; i < expected.changes.size(); ++i) {
    difference += (actual.changes[i] - expected.changes[i]).square().sum().item<double>();
    change += expected.changes[i].square().sum().item<double>();
  }
  EXPECT_GT(change, 0);
  EXPECT_LT(std::sqrt(difference / change), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Profiles, GpuTraining, ::testing::Values("sound", "reference"),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace sscvae::train
