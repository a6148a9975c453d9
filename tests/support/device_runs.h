#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "sscvae/models/registry.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/training_fixture.h"

/// Whole runs of training, of every entry of the model registry: what they keep, and the same on another device.
namespace sscvae::testing {

/// What makes runs of that model small, beside TrainingTest::request.
inline std::vector<std::string> small_run(const std::string& model, const std::vector<std::string>& more = {}) {
  std::vector<std::string> set{"model.name=" + model,
                               "model.quantizer.num_codes=16",
                               "model.quantizer.code_dim=8",
                               "model.quantizer.decay=0.5",
                               "model.quantizer.revival=0.5",  // so that some codes die within the run
                               "model.vae.latent_dim=8",
                               "train.adversarial.start=2",
                               "train.adversarial.discriminator.layers=1",
                               "train.adversarial.discriminator.channels=4",
                               "train.checkpoint_every=5"};
  if (model == "vq-gan") set.push_back("data.patch_size=32");  // the least that LPIPS sees is 31
  set.insert(set.end(), more.begin(), more.end());
  return set;
}

/// The same in the reference profile.
inline std::vector<std::string> small_reference_run(const std::string& model) {
  return small_run(model,
                   {"profile=reference", "model.reference.hidden_channels_1=8", "model.reference.hidden_channels_2=8",
                    "model.reference.num_groups=4", "data.split=official", "model.quantizer.revival=0"});
}

inline std::string name_of_model(const ::testing::TestParamInfo<std::string>& entry) {
  std::string name = entry.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// A run on the processor and one on `device_`. The parameter is the model's name.
class DeviceRuns : public train::ResumeTest, public ::testing::WithParamInterface<std::string> {
 protected:
  // VQ-GAN's perceptual distance comes with the program.
  DeviceRuns() { ::setenv("SSCVAE_MODELS", (source_folder() / "models").c_str(), 0); }

  /// The first steps see the same losses and gradients within rounding.
  void expect_as_on_the_processor(const std::string& device, std::vector<std::string> options) {
    for (const char* more : {"train.steps=4", "train.log_every=1", "train.validate_every=2"}) options.push_back(more);
    train::train(request("processor", options));
    device_ = device;
    train::train(request("device", options));
    expect_columns("log.csv", {{"loss", 1e-3},
                               {"reconstruction", 1e-3},
                               {"latent", 1e-3},
                               {"psnr_db", 1e-3},
                               {"nnz", 1e-2},
                               {"perplexity", 5e-2},
                               {"grad_norm", 1e-2}});
    expect_columns("validation.csv", {{"loss", 1e-2}, {"psnr_db", 1e-2}, {"ssim", 1e-2}, {"nnz", 2e-2}});
  }

 private:
  void expect_columns(const std::string& table, const std::vector<std::pair<const char*, double>>& columns) const {
    const auto actual = train::read_csv_log(folder_.path() / "device" / table);
    const auto expected = train::read_csv_log(folder_.path() / "processor" / table);
    for (const auto& [name, tolerance] : columns) {
      ASSERT_EQ(actual.at(name).size(), expected.at(name).size());
      for (size_t i = 0; i < expected.at(name).size(); ++i) {
        const double a = actual.at(name)[i], b = expected.at(name)[i];
        EXPECT_EQ(std::isfinite(a), std::isfinite(b)) << table << " " << name << ", row " << i;
        if (std::isfinite(b)) {
          EXPECT_NEAR(a, b, tolerance * (std::abs(b) + 0.01)) << table << " " << name << ", row " << i;
        }
      }
    }
  }
};

}  // namespace sscvae::testing
