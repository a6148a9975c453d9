#include "sscvae/train/device_state.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace sscvae::train {
namespace {

at::Tensor scalar(double value) { return torch::full({}, value, at::kDouble); }

StepScalars step_of(double loss, double norm, double nnz) {
  StepScalars step;
  step.loss = scalar(loss);
  step.gradient_norm = scalar(norm);
  if (nnz >= 0) step.nnz = scalar(nnz);
  return step;
}

TrainingState start() {
  TrainingState state;
  state.sparsity_weight = 1e-4;
  return state;
}

std::string failure_of(const DeviceState& numbers) {
  TrainingState state;
  try {
    numbers.read(state);
  } catch (const DivergenceError& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceStateTest, CarriesWhatTheCpuCarries) {
  TrainOptions options;
  TrainingState expected = start(), actual = start();
  DeviceState numbers(actual, options, c10::kCPU);
  double used = 0;
  for (int64_t step = 1; step <= 40; ++step) {
    const double loss = 1.0 / static_cast<double>(step), nnz = static_cast<double>(5 * (step % 13));
    numbers.take(step_of(loss, 1, nnz), step);
    used = expected.sparsity_weight;
    expected.sparsity_weight = models::steer_sparsity_weight(used, nnz, options.loss);
    expected.running_loss = step == 1 ? loss : expected.running_loss + kRunningShare * (loss - expected.running_loss);
    expected.last_loss = loss;
  }
  EXPECT_NEAR(numbers.read(actual) / used, 1, 1e-14);
  EXPECT_NEAR(actual.sparsity_weight / expected.sparsity_weight, 1, 1e-14);
  EXPECT_NEAR(actual.running_loss / expected.running_loss, 1, 1e-14);
  EXPECT_EQ(actual.last_loss, expected.last_loss);
}

TEST(DeviceStateTest, ASparsityWeightThatIsNotSteeredStays) {
  TrainOptions options;
  options.loss.sparsity = models::Sparsity::kL1;
  DeviceState fixed(start(), options, c10::kCPU), without(start(), {}, c10::kCPU);
  fixed.take(step_of(1, 1, 100), 1);
  without.take(step_of(1, 1, -1), 1);
  EXPECT_EQ(fixed.sparsity_weight().item<double>(), 1e-4);
  EXPECT_EQ(without.sparsity_weight().item<double>(), 1e-4);
}

TEST(DeviceStateTest, NamesTheFirstStepThatWentWrong) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& [loss, norm] : {std::pair{infinity, 1.0}, {1.5, std::nan("")}}) {
    DeviceState numbers(start(), {}, c10::kCPU);
    numbers.take(step_of(1, 1, -1), 1);
    EXPECT_EQ(failure_of(numbers), "");
    numbers.take(step_of(loss, norm, -1), 2);
    numbers.take(step_of(std::nan(""), std::nan(""), -1), 3);
    numbers.take(step_of(1, 1, -1), 4);
    EXPECT_NE(failure_of(numbers).find("diverged at step 2: loss"), std::string::npos) << failure_of(numbers);
  }
}

TEST(DeviceStateTest, FindsALossThatExplodes) {
  TrainOptions options;
  options.divergence_factor = 3;
  DeviceState numbers(start(), options, c10::kCPU);
  numbers.take(step_of(1, 1, -1), 1);
  numbers.take(step_of(50, 1, -1), 2);  // the mean is not trusted yet
  for (int64_t step = 3; step <= 300; ++step) numbers.take(step_of(1, 1, -1), step);
  EXPECT_EQ(failure_of(numbers), "");
  numbers.take(step_of(4, 1, -1), 301);
  numbers.take(step_of(1, 1, -1), 302);
  EXPECT_NE(failure_of(numbers).find("diverged at step 301: loss 4 is more than 3 times"), std::string::npos)
      << failure_of(numbers);
}

TEST(DeviceStateTest, GoesOnFromAState) {
  TrainingState state = start(), again;
  state.running_loss = 0.5;
  state.last_loss = 0.25;
  DeviceState(state, {}, c10::kCPU).read(again);
  EXPECT_EQ(again.sparsity_weight, 1e-4);
  EXPECT_EQ(again.running_loss, 0.5);
  EXPECT_EQ(again.last_loss, 0.25);
}

}  // namespace
}  // namespace sscvae::train
