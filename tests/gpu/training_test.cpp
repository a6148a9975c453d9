#include <ATen/Context.h>

#include <cmath>

#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/training_step.h"
#include "support/device_runs.h"
#include "support/gpu.h"
#include "support/small_models.h"

// Training on a GPU against the same on the processor, and against itself.
namespace sscvae::testing {
namespace {

class GpuTraining : public DeviceRuns {
 protected:
  void SetUp() override {
    DeviceRuns::SetUp();
    use_exact_gpu();
  }
  static constexpr char kName[] = "cuda:0";
};

TEST_P(GpuTraining, EqualsThatOfTheProcessor) { expect_as_on_the_processor(kName, small_run(GetParam())); }

TEST_P(GpuTraining, EqualsThatOfTheProcessorInTheReferenceProfile) {
  expect_as_on_the_processor(kName, small_reference_run(GetParam()));
}

TEST_P(GpuTraining, EqualsThatOfTheProcessorByMuonWithAverages) {
  expect_as_on_the_processor(
      kName, small_run(GetParam(), {"train.optimizer=muon", "train.ema_decay=0.9", "train.accumulate=2"}));
}

TEST_P(GpuTraining, RecomputesAsTheProcessor) {
  expect_as_on_the_processor(kName, small_run(GetParam(), {"train.recompute=true"}));
}

TEST_P(GpuTraining, DenoisesAsTheProcessor) {
  expect_as_on_the_processor(kName, small_run(GetParam(), {"task=denoise", "data.noise.sigma_8bit=5",
                                                           "data.noise.sigma_8bit_max=40", "train.noise_levels=told"}));
}

TEST_P(GpuTraining, InBf16IsNearFp32) {
  const auto loss_of = [&](const char* precision) {
    const std::string run = std::string("run-") + precision;
    train::train(
        request(run, small_run(GetParam(), {std::string("train.precision=") + precision, "train.log_every=1"})));
    return train::read_csv_log(folder_.path() / run / "log.csv").at("loss");
  };
  device_ = kName;
  const std::vector<double> exact = loss_of("fp32"), rounded = loss_of("bf16");
  EXPECT_NEAR(rounded.front() / exact.front(), 1, 0.03);
  EXPECT_TRUE(std::isfinite(rounded.back()));
}

// Whether runs that are killed and resumed are equal bit for bit on a GPU is a matter of its algorithms.
TEST_P(GpuTraining, KilledAndResumedRunsAreEqualWithDeterministicAlgorithms) {
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  at::globalContext().setDeterministicAlgorithms(true, false);
  device_ = kName;
  check(small_run(GetParam()), {3, 7});
  at::globalContext().setDeterministicAlgorithms(false, false);
}

INSTANTIATE_TEST_SUITE_P(Registry, GpuTraining, ::testing::ValuesIn(networks::model_names()), name_of_model);

class GpuModel : public GpuTest, public ::testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(GpuModel, EqualsThatOfTheProcessor) {
  const auto& [name, profile] = GetParam();
  const auto model = stirred_model(small_options(name, profile));
  torch::manual_seed(3);
  const at::Tensor images = torch::rand({2, model->options().in_channels, 32, 40});
  const at::NoGradGuard no_grad;
  const models::ForwardResult expected = models::forward_any_size(*model, images);
  model->to(kGpu);
  const models::ForwardResult actual = models::forward_any_size(*model, images.to(kGpu));
  const at::Tensor difference = actual.reconstruction.cpu() - expected.reconstruction;
  EXPECT_LT(difference.abs().max().item<double>(), 1e-3);
  EXPECT_LT(difference.norm().item<double>(), 1e-4 * expected.reconstruction.norm().item<double>());
}

SSCVAE_FOR_ALL_MODELS(GpuModel);

}  // namespace
}  // namespace sscvae::testing
