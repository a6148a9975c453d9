#include "sscvae/runtime/weights_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "sscvae/array/elementwise.h"
#include "sscvae/core/error.h"
#include "sscvae/networks/table.h"
#include "sscvae/serialization/safetensors.h"
#include "support/hostile_input.h"
#include "support/paths.h"

namespace sscvae::runtime {
namespace {

using networks::Backbone;
using networks::ModelOptions;
using serialization::StateDict;

ModelOptions tiny() {
  ModelOptions options;
  options.lite.width = 8;
  options.lite.num_blocks = 1;
  options.sparse_coder.num_atoms = 16;
  options.sparse_coder.atom_dim = 9;
  options.sparse_coder.num_iterations = 3;
  options.sparse_coder.cbam_reduction = 4;
  return options;
}

std::string config_text(ModelOptions options) {
  FieldList fields;
  fields.add_section("model", options);
  return to_toml(fields) + "\n[train]\nsteps = 5\n";  // what belongs to others is ignored
}

TEST(Weights, SavedAndLoadedModelsAreEqualToTheBit) {
  const testing::TemporaryFolder folder;
  const Model model(tiny(), 3);
  serialization::write_safetensors(folder / "w.safetensors", model.state(), {{kConfigKey, config_text(tiny())}});
  const LoadedModel loaded = load_weights(folder / "w.safetensors");
  EXPECT_EQ(loaded.sha256.size(), 64u);
  const StateDict before = model.state(), after = loaded.model.state();
  ASSERT_EQ(before.names(), after.names());
  for (const auto& [name, tensor] : before) EXPECT_TRUE(equal(tensor, after.at(name))) << name;
}

/// The message of the FormatError that loading `state` gives.
std::string refusal(const StateDict& state) {
  try {
    model_from_state(tiny(), state, "file");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

TEST(Weights, MisfitsAreNamed) {
  StateDict missing, misshapen, foreign;
  for (const auto& [name, tensor] : Model(tiny(), 3).state()) {
    if (name != "_LISTA._Dict") missing.add(name, tensor);
    misshapen.add(name, name == "_LISTA._Dict" ? Array::zeros({9, 15}) : tensor);
    foreign.add(name, tensor);
  }
  foreign.add("_LISTA._Dictt", Array::zeros({1}));
  EXPECT_NE(refusal(missing).find("'_LISTA._Dict' is missing"), std::string::npos);
  EXPECT_NE(refusal(misshapen).find("expected shape [9, 16], got [9, 15]"), std::string::npos);
  EXPECT_NE(refusal(foreign).find("did you mean '_LISTA._Dict'"), std::string::npos);
}

TEST(Weights, NumbersThatAreNotFiniteAreRefused) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    StateDict state = Model(tiny(), 3).state();
    state.find("_encoder.stem.weight")->select(0, 2).select(0, 0).select(0, 1).select(0, 1).fill_(bad);
    EXPECT_EQ(refusal(state), "file: tensor '_encoder.stem.weight' holds numbers that are not finite");
  }
}

TEST(Weights, KindsAreReadFromTheirKeys) {
  for (const std::string name : {"vq-vae", "vq-gan", "vae"}) {
    ModelOptions options = tiny();
    options.name = name;
    options.backbone = Backbone::kReference;
    options.down_samples = 2;
    options.reference.hidden_channels_1 = 8;
    options.reference.hidden_channels_2 = 16;
    options.reference.num_groups = 4;
    options.quantizer.num_codes = 20;
    options.quantizer.code_dim = 6;
    options.vae.latent_dim = 7;
    ModelOptions defaults;
    if (name == "vq-gan") defaults.name = name;  // its keys are those of vq-vae
    const ModelOptions guessed = infer_model_options(Model(options, 1).state(), defaults, "test");
    EXPECT_EQ(guessed.name, name);
    EXPECT_EQ(guessed.down_samples, 2);
    EXPECT_EQ(guessed.reference.hidden_channels_2, 16);
    if (name == "vae") EXPECT_EQ(guessed.vae.latent_dim, 7);
    else EXPECT_EQ(guessed.quantizer.num_codes * 100 + guessed.quantizer.code_dim, 2006);
  }
}

TEST(Weights, TrainingStateIsNoMisfit) {
  StateDict state;
  for (const auto& [name, tensor] : Model(tiny(), 4).state()) state.add(name, tensor);
  state.add(std::string(kTrainingPrefix) + "adam.exp_avg.x", Array::zeros({1}));
  EXPECT_EQ(refusal(state), "");
}

TEST(Weights, AConfigurationThatClaimsMoreThanTheTensorsHoldIsRefusedBeforeItIsMade) {
  const testing::TemporaryFolder folder;
  ModelOptions claimed = tiny();
  claimed.lite.width = 3000;
  serialization::write_safetensors(folder / "w.safetensors", Model(tiny(), 3).state(),
                                   {{kConfigKey, config_text(claimed)}});
  const testing::MemoryLimit limit(256);
  try {
    load_weights(folder / "w.safetensors");
    FAIL() << "expected FormatError";
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find("the configuration describes a model of "), std::string::npos)
        << error.what();
  }
}

/// Whether the tensors with that configuration are refused, in one line and in bounded memory.
bool refuses_configuration(const std::string& config, const StateDict& state, const std::string& what) {
  const testing::MemoryLimit limit(512);
  const auto load = [&](const std::string& text) {
    try {
      model_from_state(model_options_of({{kConfigKey, text}}, "w"), state, "w");
    } catch (const UsageError& error) {
      throw FormatError(error.what());  // as load_weights does
    }
  };
  return testing::is_refused(load, config, what);
}

TEST(Weights, ChangedConfigurationsAreRefusedInBoundedMemory) {
  int64_t refused = 0;
  for (const networks::ModelEntry& entry : networks::model_entries()) {
    ModelOptions before = tiny();
    before.name = entry.name;
    before.csc.num_atoms = 12;
    before.csc.kernel = 3;
    before.csc.num_iterations = 2;
    const StateDict state = Model(before, 1).state();
    ModelOptions options;
    FieldList fields;
    fields.add_section("model", options);
    for (const Field& field : fields.fields()) {
      if (field.type != "integer") continue;
      for (const double value : {2.0, 5.0, 3000.0, std::ldexp(1, 31), std::ldexp(1, 62)}) {
        options = before;
        field.set(static_cast<int64_t>(std::min(value, field.bounds.max)));
        refused += refuses_configuration(config_text(options), state, entry.name + " " + field.key);
      }
    }
  }
  EXPECT_GT(refused, 150);
}

TEST(Weights, RandomlyChangedConfigurationsAreRefusedInBoundedMemory) {
  const StateDict state = Model(tiny(), 1).state();
  const std::string config = config_text(tiny());
  std::mt19937 random(5);
  int64_t refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string changed = config;
    for (int k = 0; k < 3; ++k) {
      const size_t at = random() % changed.size();
      if (random() % 2 == 0) changed[at] = static_cast<char>(random() % 256);
      else changed.insert(at, std::string(1 + random() % 8, static_cast<char>('0' + random() % 10)));
    }
    refused += refuses_configuration(changed, state, changed);
  }
  EXPECT_GT(refused, 100);
}

TEST(Weights, FilesWithoutOrWithABrokenConfigurationAreRefused) {
  const testing::TemporaryFolder folder;
  const StateDict state = Model(tiny(), 3).state();
  for (const std::string config : {"", "[model]\nnum_atoms = 3\n", "[model]\nname = \"vqq\"\n", "[model"}) {
    std::map<std::string, std::string> metadata;
    if (!config.empty()) metadata[kConfigKey] = config;
    serialization::write_safetensors(folder / "w.safetensors", state, metadata);
    EXPECT_THROW(load_weights(folder / "w.safetensors"), FormatError) << config;
  }
  EXPECT_THROW(load_weights(folder / "absent.safetensors"), IoError);
}

}  // namespace
}  // namespace sscvae::runtime
