#include "sscvae/experiments/experiment.h"

#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/experiments/presets.h"
#include "sscvae/experiments/profiles.h"
#include "sscvae/networks/options_read.h"
#include "sscvae/networks/table.h"
#include "support/paths.h"

namespace sscvae::experiments {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Experiment, DefaultsAreTheSoundProfile) {
  const Experiment experiment = resolve_experiment("", {});
  EXPECT_EQ(experiment.options.profile, "sound");
  EXPECT_EQ(experiment.options.model.name, "ssc-vae");
  EXPECT_EQ(experiment.options.task, Task::kReconstruct);
  EXPECT_EQ(experiment.origins.at("train.learning_rate"), "default");
}

TEST(Experiment, LaterLayersWinAndAreNamed) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "mine.toml").string();
  write_atomically(
      path, "profile = \"reference\"\n[model]\nname = \"sc-vae\"\n[train]\nlearning_rate = 5e-4\nbatch_size = 3\n");
  const Experiment experiment = resolve_experiment(path, {"train.batch_size=7"});
  const ExperimentOptions& options = experiment.options;
  EXPECT_EQ(options.model.name, "sc-vae");
  EXPECT_EQ(options.model.sparse_coder.threshold,
            networks::ThresholdKind::kPerPosition);      // model entry, given the profile
  EXPECT_EQ(options.model.sparse_coder.num_atoms, 512);  // profile
  EXPECT_DOUBLE_EQ(options.train.learning_rate, 5e-4);   // file over profile
  EXPECT_EQ(options.train.batch_size, 7);                // --set over file
  EXPECT_EQ(experiment.origins.at("model.sparse_coder.threshold"), "model sc-vae");
  EXPECT_EQ(experiment.origins.at("model.sparse_coder.num_atoms"), "profile reference");
  EXPECT_EQ(experiment.origins.at("train.learning_rate"), path);
  EXPECT_EQ(experiment.origins.at("train.batch_size"), "--set");
  EXPECT_EQ(experiment.origins.at("train.seed"), "default");
}

TEST(Experiment, ProfileAndModelMayComeFromSet) {
  const ExperimentOptions options = resolve_experiment("", {"profile=reference", "model.name=sc-vae-in"}).options;
  EXPECT_EQ(options.model.backbone, networks::Backbone::kReference);
  EXPECT_EQ(options.model.sparse_coder.threshold_refinement, networks::ThresholdRefinement::kNone);
  EXPECT_DOUBLE_EQ(options.train.learning_rate, 1e-4);
}

TEST(Experiment, TomlReadsBackToTheSameConfiguration) {
  for (const std::string& profile : experiments::profile_names()) {
    const Experiment experiment =
        resolve_experiment("", {"profile=" + profile, "task=denoise", "train.loss.sparsity=l1"});
    EXPECT_EQ(resolve_experiment_text(experiment.toml(), "copy").toml(), experiment.toml());
  }
}

TEST(Experiment, ExplanationHasMeaningRangeAndOriginOfEveryOption) {
  const Experiment experiment = resolve_experiment("", {"train.epochs=5"});
  const std::string text = experiment.explained_toml();
  EXPECT_NE(text.find("from --set\nepochs = 5"), std::string::npos);
  for (const auto& [key, origin] : experiment.origins) {
    const bool is_told = text.find("from " + origin) != std::string::npos;
    EXPECT_TRUE(is_told || !networks::reads_option(experiment.options.model, key)) << key;
  }
  ExperimentOptions options;
  const FieldList fields = fields_of(options);
  for (const Field& field : fields.fields()) EXPECT_FALSE(field.help.empty()) << field.key;
}

TEST(Experiment, OptionsWithoutEffectAreRefusedByName) {
  const std::vector<std::vector<std::string>> refused{{"model.csc.kernel=3"},
                                                      {"model.name=csc", "model.csc.kernel=3", "model.lite.width=64"},
                                                      {"model.reference.num_groups=8"},
                                                      {"model.name=vae", "model.sparse_coder.num_atoms=7"},
                                                      {"model.name=csc", "model.csc.group_window=9"}};
  for (const std::vector<std::string>& set : refused) {
    const std::string key = set.back().substr(0, set.back().find('='));
    EXPECT_NE(message_of([&] { resolve_experiment("", set); }).find(key + " has no effect"), std::string::npos) << key;
  }
  EXPECT_NO_THROW(resolve_experiment("", {"model.name=csc", "model.csc.kernel=3"}));
  EXPECT_NO_THROW(resolve_experiment("", {"model.backbone=reference", "model.reference.num_groups=8"}));
  // Defaults are harmless: complete files repeat them.

  const Experiment complete = resolve_experiment("", {"model.name=vae", "profile=paper"});
  EXPECT_NO_THROW(resolve_experiment_text(complete.toml(), "copy", {"model.csc.num_atoms=100"}));
  const testing::TemporaryFolder folder;
  const std::string own = (folder / "config.toml").string();
  write_atomically(own, complete.toml());
  EXPECT_NO_THROW(resolve_experiment(own, {"model.name=csc", "profile=reference"}));
  EXPECT_NE(message_of([&] { resolve_experiment(own, {"model.csc.kernel=9"}); }).find("--set: model.csc.kernel"),
            std::string::npos);
  EXPECT_NO_THROW(resolve_experiment("natural-denoise-colour", {"model.name=ssc-vae"}));  // idle by what comes later
  EXPECT_EQ(complete.explained_toml().find("[model.csc]"), std::string::npos);
  EXPECT_NE(complete.explained_toml().find("[model.vae]"), std::string::npos);
}

TEST(Experiment, ErrorsNameTheNearestName) {
  EXPECT_THROW(resolve_experiment("", {"train.epoch=5"}), UsageError);
  EXPECT_NE(message_of([] { resolve_experiment("", {"train.epoch=5"}); }).find("train.epochs"), std::string::npos);
  EXPECT_NE(message_of([] { resolve_experiment("", {"profile=sounds"}); }).find("'sound'"), std::string::npos);
  EXPECT_NE(message_of([] { resolve_experiment("ultrasond-lite", {}); }).find("'ultrasound-lite'"), std::string::npos);
  EXPECT_THROW(resolve_experiment("no/such/file.toml", {}), IoError);
  EXPECT_THROW(resolve_experiment("missing.json", {}), IoError);
  EXPECT_THROW(resolve_experiment("", {"train.batch_size=0"}), UsageError);
  EXPECT_THROW(resolve_experiment("", {"task=denoise", "data.noise.sigma_8bit=0"}), UsageError);
}

TEST(Experiment, DamagedTomlIsAUsageErrorWithItsPlace) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "bad.toml").string();
  write_atomically(path, "profile = \"sound\"\n[train\n");
  EXPECT_THROW(resolve_experiment(path, {}), UsageError);
  EXPECT_NE(message_of([&] { resolve_experiment(path, {}); }).find("bad.toml:2"), std::string::npos);
}

TEST(Experiment, OwnConfigurationsMayBeJson) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "own.json").string();
  ExperimentOptions options = resolve_experiment("", {"profile=paper", "train.seed=9"}).options;
  write_atomically(path, to_json(fields_of(options)));
  EXPECT_EQ(resolve_experiment(path, {}).toml(), resolve_experiment("", {"profile=paper", "train.seed=9"}).toml());
}

TEST(Presets, AllResolveAndSayWhatTheyAre) {
  ASSERT_GE(list_presets().size(), 5u);
  for (const Preset& preset : list_presets()) {
    EXPECT_FALSE(preset.summary.empty()) << preset.name;
    const Experiment experiment = resolve_experiment(preset.name, {});
    EXPECT_EQ(experiment.origins.at("data.dataset"), "preset " + preset.name);
  }
  EXPECT_EQ(find_preset("none"), nullptr);
}

TEST(Experiment, AProfileMeansTheOfficialPartsOfMiniImageNet) {
  const auto data = [](const std::string& profile, const std::string& dataset) {
    return resolve_experiment("", {"profile=" + profile, "data.dataset=" + dataset}).options.data;
  };
  EXPECT_EQ(data("paper", "mini-imagenet").split, data::SplitRule::kOfficial);
  EXPECT_EQ(data("paper", "mini-imagenet").min_size, 257);
  EXPECT_EQ(data("reference", "mini-imagenet").min_size, 256);
  EXPECT_EQ(data("sound", "mini-imagenet").min_size, 0);
  EXPECT_EQ(data("paper", "bsds500").split, data::SplitRule::kAuthors);
  const Experiment experiment = resolve_experiment("mini-imagenet-paper", {"data.min_size=300"});
  EXPECT_EQ(experiment.options.data.min_size, 300);
  EXPECT_EQ(experiment.origins.at("data.split"), "dataset mini-imagenet");
}

TEST(Presets, AreNamedByTheirProfile) {
  for (const Preset& preset : list_presets()) {
    const std::string profile = resolve_experiment(preset.name, {}).options.profile;
    for (const std::string& name : experiments::profile_names())
      EXPECT_TRUE(profile == name || !preset.name.ends_with("-" + name)) << preset.name;
  }
}

TEST(Experiment, PaperAndReferenceChooseByTheLossOfTheWholePart) {
  for (const char* profile : {"reference", "paper"}) {
    const TrainOptions options = resolve_experiment("", {std::string("profile=") + profile}).options.train;
    EXPECT_EQ(options.validation_images, -1);
    EXPECT_EQ(options.best_by, BestBy::kLoss);
  }
}

TEST(Presets, ReferenceOnesAreTheAuthorsConfiguration) {
  for (const char* name : {"ultrasound-reference", "bsds500-reference"}) {
    const ExperimentOptions options = resolve_experiment(name, {}).options;
    EXPECT_EQ(options.profile, "reference");
    EXPECT_EQ(options.model.reference.hidden_channels_1, 128);
    EXPECT_EQ(options.model.reference.hidden_channels_2, 512);
    EXPECT_EQ(options.model.sparse_coder.atom_dim, 256);
    EXPECT_EQ(options.model.sparse_coder.num_atoms, 512);
    EXPECT_EQ(options.model.sparse_coder.num_iterations, 16);
    EXPECT_EQ(options.data.patch_size, 256);
    EXPECT_DOUBLE_EQ(options.train.learning_rate, 1e-4);
    EXPECT_EQ(options.train.batch_size, 16);
  }
}

TEST(Experiment, TakesNumbersForTextsAndWholeNumbersAsTheyAreTyped) {
  const auto options =
      resolve_experiment("", {"train.steps=1e4", "data.root=2024", "data.manifest=1e3", "data.quality=true"}).options;
  EXPECT_EQ(options.train.steps, 10000);
  EXPECT_EQ(options.data.root, "2024");
  EXPECT_EQ(options.data.manifest, "1e3");
  EXPECT_EQ(options.data.quality, "true");
  for (const char* wrong : {"train.steps=1.5", "train.steps=1e400", "train.steps=nan", "train.steps=-1e4"})
    EXPECT_THROW(resolve_experiment("", {wrong}), UsageError) << wrong;
}

TEST(Experiment, ASplitByATableStaysWithItsDataset) {
  const auto data_of = [](const std::vector<std::string>& set) {
    return resolve_experiment("natural-denoise-grey", set).options.data;
  };
  EXPECT_EQ(data_of({"data.root=x"}).manifest, "splits/bsds500.csv");
  EXPECT_EQ(data_of({"data.dataset=bsds500"}).manifest, "splits/bsds500.csv");
  const data::DataOptions own = data_of({"data.root=x", "data.dataset=folder"});
  EXPECT_EQ(own.split, data::SplitRule::kOfficial);
  EXPECT_EQ(own.manifest, "");
  EXPECT_EQ(data_of({"data.dataset=folder", "data.split=grouped"}).split, data::SplitRule::kGrouped);
  EXPECT_EQ(data_of({"data.split=official"}).manifest, "");
  const data::DataOptions table = data_of({"data.dataset=folder", "data.manifest=own.csv"});
  EXPECT_EQ(table.split, data::SplitRule::kManifest);
  EXPECT_EQ(table.manifest, "own.csv");
}

TEST(Experiment, GoesToOthersWithoutPathsOfThisMachine) {
  const Experiment usual = resolve_experiment("", {});
  for (const std::string secret : {"/home/somebody/patients", "patients/somebody.csv"}) {
    Experiment experiment = usual;
    const FieldList fields = fields_of(experiment.options);
    int texts = 0;
    for (const Field& field : fields.fields())
      if (field.type == "text" && field.key != "data.quality" && field.key != "data.input_quality" &&
          field.key != "data.group_pattern" && field.key != "data.range") {
        field.set(secret);
        ++texts;
      }
    EXPECT_EQ(texts, 5);  // another one: is it a path?
    EXPECT_EQ(without_paths(experiment).toml().find("somebody"), std::string::npos);
  }
  Experiment shipped = usual;
  shipped.options.train.initial_weights = "natural-denoise-grey";
  EXPECT_EQ(without_paths(shipped).options.train.initial_weights, "natural-denoise-grey");
}

}  // namespace
}  // namespace sscvae::experiments
