#include "device/pretended_device.h"
#include "sscvae/networks/table.h"
#include "support/device_runs.h"

// Whole runs on a device whose memory the host cannot read: tensors of two devices in one operation, pointers to its
// memory that the host follows, and what a backward pass on another thread does not find end the test.
namespace sscvae::testing {
namespace {

class OnAnotherDevice : public DeviceRuns {
 protected:
  static std::string name() { return pretended_device().str(); }
};

TEST_P(OnAnotherDevice, TrainsAsOnTheProcessor) { expect_as_on_the_processor(name(), small_run(GetParam())); }

TEST_P(OnAnotherDevice, TrainsAsOnTheProcessorInTheReferenceProfile) {
  expect_as_on_the_processor(name(), small_reference_run(GetParam()));
}

TEST_P(OnAnotherDevice, TrainsAsOnTheProcessorByMuonWithAverages) {
  expect_as_on_the_processor(
      name(), small_run(GetParam(), {"train.optimizer=muon", "train.ema_decay=0.9", "train.accumulate=2"}));
}

TEST_P(OnAnotherDevice, RecomputesAsOnTheProcessor) {
  expect_as_on_the_processor(name(), small_run(GetParam(), {"train.recompute=true"}));
}

TEST_P(OnAnotherDevice, DenoisesAsOnTheProcessor) {
  expect_as_on_the_processor(
      name(), small_run(GetParam(), {"task=denoise", "data.noise.sigma_8bit=5", "data.noise.sigma_8bit_max=40",
                                     "train.noise_levels=told"}));
}

TEST_P(OnAnotherDevice, KilledAndResumedRunsAreEqualBitForBit) {
  device_ = name();
  check(small_run(GetParam()), {3, 7});
}

INSTANTIATE_TEST_SUITE_P(Registry, OnAnotherDevice, ::testing::ValuesIn(networks::model_names()), name_of_model);

}  // namespace
}  // namespace sscvae::testing
