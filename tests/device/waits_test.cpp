#include <gtest/gtest.h>

#include "device/pretended_device.h"
#include "sscvae/train/training_fixture.h"

// A step on a device waits for it only where it is logged.
namespace sscvae::train {
namespace {

class DeviceWaits : public TrainingTest, public ::testing::WithParamInterface<std::vector<std::string>> {
 protected:
  /// Between the steps 6 and 16 of a run that logs its last step only.
  int64_t waits(const std::vector<std::string>& more, int64_t log_every) {
    std::vector<std::string> options{"train.steps=24", "train.validate_every=24", "train.checkpoint_every=24",
                                     "train.checkpoint_minutes=0", "train.log_every=" + std::to_string(log_every)};
    options.insert(options.end(), more.begin(), more.end());
    TrainRequest wanted = request("run", options);
    wanted.overwrite = true;
    wanted.device = testing::pretended_device().str();
    int64_t found = -1;
    wanted.keep_going = [&](int64_t step) {
      if (step == 6) testing::device_traffic().reset();
      if (step == 16) found = testing::device_traffic().waits;
      return true;
    };
    train(wanted);
    return found;
  }
};

TEST_P(DeviceWaits, ComeWithTheLogOnly) {
  EXPECT_EQ(waits(GetParam(), 100), 0);
  EXPECT_GT(waits(GetParam(), 5), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Runs, DeviceWaits,
    ::testing::Values(std::vector<std::string>{},
                      std::vector<std::string>{"train.optimizer=muon", "train.ema_decay=0.9"},
                      std::vector<std::string>{"model.name=csc", "model.csc.num_atoms=16", "model.csc.num_iterations=2",
                                               "task=denoise", "data.noise.sigma_8bit=15", "train.noise_levels=told"},
                      std::vector<std::string>{"model.name=csc", "model.csc.num_atoms=16", "model.csc.num_iterations=2",
                                               "model.csc.threshold=per-atom", "model.csc.threshold_refinement=none",
                                               "model.csc.shrinkage=grouped", "model.csc.unit_ball=true",
                                               "model.csc.kernel=4", "train.optimizer=muon",
                                               "train.muon_dictionary_ratio=4", "task=denoise",
                                               "data.noise.sigma_8bit=15", "train.noise_levels=told"},
                      std::vector<std::string>{"model.name=vae"}, std::vector<std::string>{"profile=reference"}));

}  // namespace
}  // namespace sscvae::train
