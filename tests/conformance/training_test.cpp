#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "sscvae/models/registry.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/training_fixture.h"

/// What training keeps for every entry of the model registry.
namespace sscvae::train {
namespace {

class TrainingConformance : public ResumeTest, public ::testing::WithParamInterface<std::string> {
 protected:
  // VQ-GAN's perceptual distance comes with the program.
  TrainingConformance() { ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1); }

  std::vector<std::string> options(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> set{"model.name=" + GetParam(),
                                 "model.quantizer.num_codes=16",
                                 "model.quantizer.code_dim=8",
                                 "model.quantizer.decay=0.5",
                                 "model.quantizer.revival=0.5",  // so that some codes die within the run
                                 "model.vae.latent_dim=8",
                                 "train.adversarial.start=2",
                                 "train.adversarial.discriminator.layers=1",
                                 "train.adversarial.discriminator.channels=4",
                                 "train.checkpoint_every=5"};
    if (GetParam() == "vq-gan") set.push_back("data.patch_size=32");  // the least that LPIPS sees is 31
    set.insert(set.end(), more.begin(), more.end());
    return set;
  }
};

TEST_P(TrainingConformance, KilledAndResumedRunsAreEqualBitForBit) { check(options(), {3, 7, 11}); }

TEST_P(TrainingConformance, AlsoWithAveragesAndAccumulation) {
  check(options({"train.ema_decay=0.9", "train.accumulate=2"}), {6});
}

TEST_P(TrainingConformance, AlsoInTheReferenceProfile) {
  check(options({"profile=reference", "model.reference.hidden_channels_1=8", "model.reference.hidden_channels_2=8",
                 "model.reference.num_groups=4", "data.split=official", "model.quantizer.revival=0"}),
        {4});
}

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

INSTANTIATE_TEST_SUITE_P(Registry, TrainingConformance, ::testing::ValuesIn(models::model_names()),
                         [](const auto& entry) {
                           std::string name = entry.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sscvae::train
