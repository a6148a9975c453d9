#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/networks/table.h"
#include "support/device_runs.h"

/// What training keeps for every entry of the model registry.
namespace sscvae::train {
namespace {

class TrainingConformance : public testing::DeviceRuns {
 protected:
  std::vector<std::string> options(const std::vector<std::string>& more = {}) const {
    return testing::small_run(GetParam(), more);
  }
};

TEST_P(TrainingConformance, KilledAndResumedRunsAreEqualBitForBit) { check(options(), {3, 7, 11}); }

TEST_P(TrainingConformance, AlsoWithAveragesAndAccumulation) {
  check(options({"train.ema_decay=0.9", "train.accumulate=2"}), {6});
}

TEST_P(TrainingConformance, AlsoInTheReferenceProfile) { check(testing::small_reference_run(GetParam()), {4}); }

TEST_P(TrainingConformance, LogsHoldWhatTheModelHas) {
  const TrainRequest run = request("run", options());
  const TrainSummary summary = train(run);
  const auto log = read_csv_log(folder_.path() / "run/log.csv");
  const auto model = models::make_autoencoder(run.experiment.options.model, 1);
  const bool is_sparse = model->dictionary().defined(), is_discrete = model->num_codes() > 0;
  const bool has_adversary = run.experiment.options.train.adversarial.weight > 0;
  const auto last = [&](const char* column) { return log.at(column).back(); };
  for (const char* column : {"loss", "reconstruction", "psnr_db", "grad_norm"})
    EXPECT_TRUE(std::isfinite(last(column))) << column;
  for (const char* column : {"nnz", "hoyer", "sparsity_weight"})
    EXPECT_EQ(std::isfinite(last(column)), is_sparse) << column;
  for (const char* column : {"codes_used", "perplexity"}) EXPECT_EQ(std::isfinite(last(column)), is_discrete) << column;
  for (const char* column : {"adversarial", "adaptive_weight", "discriminator"}) {
    EXPECT_EQ(std::isfinite(last(column)), has_adversary) << column;
    EXPECT_FALSE(std::isfinite(log.at(column).front())) << column;  // step 2: it joins in step 3
  }
  EXPECT_EQ(std::isfinite(summary.validation.at("nnz")), is_sparse);
  EXPECT_EQ(std::isfinite(summary.validation.at("codes_used")), is_discrete);
}

INSTANTIATE_TEST_SUITE_P(Registry, TrainingConformance, ::testing::ValuesIn(networks::model_names()),
                         testing::name_of_model);

}  // namespace
}  // namespace sscvae::train
