#include "sscvae/experiments/authors_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/experiments/experiment.h"
#include "sscvae/networks/table.h"
#include "support/paths.h"

namespace sscvae::experiments {
namespace {

nlohmann::json complete() {
  return {{"data",
           {{"dataset", "gray"},
            {"root_dir", "images"},
            {"seed", 3},
            {"train_ratio", 0.8},
            {"val_ratio", 0.1},
            {"patch_size", 128},
            {"stride_size", 32},
            {"batch_size", 4}}},
          {"model",
           {{"in_channels", 1},
            {"hid_channels_1", 64},
            {"hid_channels_2", 96},
            {"out_channels", 48},
            {"down_samples", 4},
            {"num_groups", 8},
            {"num_atoms", 100},
            {"num_dims", 48},
            {"num_iters", 7}}},
          {"train", {{"lr", 2e-4}, {"epochs", 12}, {"save_frequency", 1}, {"save_path", "weights/here"}}},
          {"test", {{"model_id", 0}}}};
}

Experiment resolve(const std::string& name, const nlohmann::json& content, const std::vector<std::string>& set = {}) {
  set_verbosity(Verbosity::kQuiet);
  const testing::TemporaryFolder folder;
  write_atomically(folder / name, content.dump());
  return resolve_experiment((folder / name).string(), set);
}

TEST(AuthorsConfig, TheModelIsAssumedWhereNobodyTellsItOnly) {
  const std::string json = complete().dump();
  const auto assumes = [](const AuthorsConfig& config) {
    return std::any_of(config.notes.begin(), config.notes.end(),
                       [](const std::string& line) { return line.find("is assumed") != std::string::npos; });
  };
  EXPECT_TRUE(assumes(read_authors_config(json, "recon.json")));
  EXPECT_FALSE(assumes(read_authors_config(json, "sscvae_recon.json")));
  EXPECT_FALSE(assumes(read_authors_config(json, "recon.json", "sc-vae")));
  const Experiment told = resolve("recon.json", complete(), {"model.name=sc-vae"});
  EXPECT_EQ(told.options.model.name, "sc-vae");
  EXPECT_EQ(told.options.model.sparse_coder.grid_height, 16) << "what belongs to that model is read, too";
}

TEST(AuthorsConfig, EveryKeyBecomesAnOption) {
  const Experiment experiment = resolve("sscvae_recon_gray.json", complete());
  const ExperimentOptions& options = experiment.options;
  EXPECT_EQ(options.profile, "reference");
  EXPECT_EQ(options.task, Task::kReconstruct);
  EXPECT_EQ(options.model.name, "ssc-vae");
  EXPECT_EQ(options.data.dataset, "bsds500");
  EXPECT_EQ(options.data.root, "images");
  EXPECT_EQ(options.data.seed, 3);
  EXPECT_EQ(options.data.split, data::SplitRule::kAuthors);
  EXPECT_EQ(options.data.sampling, data::Sampling::kGrid);
  EXPECT_EQ(options.data.patch_size, 128);
  EXPECT_EQ(options.data.stride, 32);
  EXPECT_FALSE(options.data.augment);
  EXPECT_EQ(options.train.batch_size, 4);
  EXPECT_DOUBLE_EQ(options.train.learning_rate, 2e-4);
  EXPECT_EQ(options.train.epochs, 12);
  EXPECT_EQ(options.model.in_channels, 1);
  EXPECT_EQ(options.model.reference.hidden_channels_1, 64);
  EXPECT_EQ(options.model.reference.hidden_channels_2, 96);
  EXPECT_EQ(options.model.reference.num_groups, 8);
  EXPECT_EQ(options.model.down_samples, 4);
  EXPECT_EQ(options.model.sparse_coder.atom_dim, 48);
  EXPECT_EQ(options.model.sparse_coder.num_atoms, 100);
  EXPECT_EQ(options.model.sparse_coder.num_iterations, 7);
  EXPECT_EQ(experiment.suggested_out, "weights/here");
}

TEST(AuthorsConfig, All36FileNamesAreUnderstood) {
  const std::vector<std::pair<std::string, std::string>> datasets{
      {"ultrasound", "ultrasound"}, {"gray", "bsds500"}, {"imagenet", "mini-imagenet"}};
  int count = 0;
  for (const char* kind : {"sscvae", "scvae", "vqvae"})
    for (const auto& [theirs, ours] : datasets)
      for (const char* task : {"recon", "denoise_10", "denoise_20", "denoise_30"}) {
        nlohmann::json config = complete();
        config["data"]["dataset"] = theirs;
        const std::vector<std::string> parts = split(task, '_');
        std::string name = std::string(kind) + "_" + parts[0] + "_" + theirs;
        if (parts.size() > 1) {
          name += "_" + parts[1];
          config["data"]["sigma"] = std::stoi(parts[1]);
        }
        name += ".json";
        ++count;
        if (std::string(kind) == "vqvae") {
          config["model"].erase("num_iters");
          config["model"]["beta"] = 0.25;
        }
        const ExperimentOptions options = resolve(name, config).options;
        EXPECT_EQ(networks::find_model(options.model.name).authors_name, kind) << name;
        EXPECT_EQ(options.data.dataset, ours) << name;
        EXPECT_EQ(options.task, parts.size() > 1 ? Task::kDenoise : Task::kReconstruct) << name;
        const double sigma = parts.size() > 1 ? std::stod(parts[1]) : data::NoiseOptions().sigma_8bit;
        EXPECT_DOUBLE_EQ(options.data.noise.sigma_8bit, sigma) << name;
      }
  EXPECT_EQ(count, 36);
}

TEST(AuthorsConfig, TheirVqVaeIsInTheReferenceForm) {
  nlohmann::json config = complete();
  config["model"].erase("num_iters");
  config["model"]["beta"] = 0.5;
  const ExperimentOptions options = resolve("anything.json", config).options;
  EXPECT_EQ(options.model.name, "vq-vae");
  EXPECT_EQ(options.model.quantizer.num_codes, 100);
  EXPECT_EQ(options.model.quantizer.code_dim, 48);
  EXPECT_DOUBLE_EQ(options.model.quantizer.commitment, 0.5);
  EXPECT_EQ(options.model.quantizer.update, networks::CodebookUpdate::kGradient);
  EXPECT_EQ(options.model.quantizer.initialization, networks::CodebookInit::kUniform);
  EXPECT_EQ(options.model.quantizer.revival, 0);
  EXPECT_EQ(options.train.loss.latent_weight, 1);
  // Other models of the same sizes.
  EXPECT_EQ(resolve("vqvae_recon_gray.json", config, {"model.name=vae"}).options.model.vae.latent_dim, 48);
  config["model"].erase("num_dims");
  EXPECT_EQ(resolve("vqvae_recon_gray.json", config).options.model.quantizer.code_dim, 48);
}

TEST(AuthorsConfig, SamplingFollowsTheDataset) {
  nlohmann::json config = complete();
  config["data"]["dataset"] = "imagenet";
  EXPECT_EQ(resolve("a.json", config).options.data.sampling, data::Sampling::kRandomCrops);
  config["data"]["dataset"] = "ultrasound";
  EXPECT_EQ(resolve("a.json", config).options.data.sampling, data::Sampling::kWholeImages);
}

TEST(AuthorsConfig, AModelPartAloneIsEnough) {
  const ExperimentOptions options = resolve("scvae_recon_gray.json", {{"model", complete()["model"]}}).options;
  EXPECT_EQ(options.model.name, "sc-vae");
  EXPECT_EQ(options.model.sparse_coder.grid_height, 16);  // 256 / 2^4
  EXPECT_EQ(options.model.sparse_coder.grid_width, 16);
}

TEST(AuthorsConfig, TheTaskIsDenoisingWhereTheNameOrASigmaSaysSo) {
  nlohmann::json config = complete();
  EXPECT_EQ(resolve("sscvae_denoise_gray_10.json", config).options.task, Task::kDenoise);
  config["data"]["sigma"] = 20;
  EXPECT_EQ(resolve("sscvae.json", config).options.task, Task::kDenoise);
  EXPECT_DOUBLE_EQ(resolve("sscvae.json", config).options.data.noise.sigma_8bit, 20);
}

TEST(AuthorsConfig, SetWins) {
  const ExperimentOptions options =
      resolve("x.json", complete(), {"profile=sound", "model.name=sc-vae", "train.epochs=1"}).options;
  EXPECT_EQ(options.profile, "sound");
  EXPECT_EQ(options.model.name, "sc-vae");
  EXPECT_EQ(options.train.epochs, 1);
}

TEST(AuthorsConfig, KeysWithoutMeaningAreNoted) {
  const AuthorsConfig config = read_authors_config(complete().dump(), "sscvae_recon_gray.json");
  ASSERT_EQ(config.notes.size(), 3u);
  EXPECT_NE(config.notes[0].find("save_frequency"), std::string::npos);
  EXPECT_NE(config.notes[1].find("model_id"), std::string::npos);
  EXPECT_NE(config.notes[2].find("save_path"), std::string::npos);
}

std::string refusal_of_config(const nlohmann::json& config, const std::string& name = "sscvae_recon_gray.json") {
  try {
    read_authors_config(config.dump(), name);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(AuthorsConfig, ErrorsAreUsageErrorsWithTheNearestName) {
  nlohmann::json config = complete();
  config["model"]["num_atom"] = 3;
  EXPECT_NE(refusal_of_config(config).find("did you mean 'model.num_atoms'"), std::string::npos);
  config = complete();
  config["data"]["dataset"] = "imagnet";
  EXPECT_NE(refusal_of_config(config).find("imagenet"), std::string::npos);
  config = complete();
  config["model"]["num_dims"] = 47;
  EXPECT_NE(refusal_of_config(config).find("47"), std::string::npos);
  config = complete();
  config["model"]["down_samples"] = "three";
  EXPECT_NE(refusal_of_config(config).find("integer"), std::string::npos);
  EXPECT_THROW(read_authors_config("{\"model\": ", "a.json"), UsageError);
  EXPECT_THROW(read_authors_config("[1]", "a.json"), UsageError);
}

}  // namespace
}  // namespace sscvae::experiments
