#include "sscvae/train/checkpoint.h"
#include "sscvae/core/error.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/train/ema.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "support/paths.h"

namespace sscvae::train {
namespace {

models::ModelOptions tiny() {
  models::ModelOptions options;
  options.lite.width = 8;
  options.lite.num_blocks = 1;
  options.sparse_coder.num_atoms = 16;
  options.sparse_coder.atom_dim = 8;
  options.sparse_coder.num_iterations = 2;
  options.sparse_coder.cbam_reduction = 4;
  return options;
}

/// A model with an optimizer that has made two steps.
struct Trained {
  explicit Trained(uint64_t seed, bool with_average = false)
      : model(models::make_autoencoder(tiny(), seed)),
        average(with_average ? models::make_autoencoder(tiny(), seed + 100) : nullptr),
        adam(named_parameters(*model), {}) {}
  void advance(int steps) {
    for (int i = 0; i < steps; ++i) {
      adam.clear_gradients();
      model->forward(at::full({1, 1, 16, 16}, 0.3 + 0.1 * i)).reconstruction.square().mean().backward();
      adam.step(1e-3);
    }
  }
  TrainedParts parts() { return {*model, average.get(), adam}; }
  std::shared_ptr<models::Autoencoder> model, average;
  Adam adam;
};

void expect_equal(const serialization::StateDict& a, const serialization::StateDict& b) {
  ASSERT_EQ(a.names(), b.names());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(at::equal(tensor, b.at(name))) << name;
}

TEST(TrainingState, ComesBackBitForBit) {
  TrainingState state;
  state.step = 123;
  state.sparsity_weight = 0.1 + 1e-17;
  state.running_loss = 1.0 / 3;
  state.last_loss = 5e-324;
  state.best_value = -std::numeric_limits<double>::infinity();
  state.best_step = 100;
  state.seconds = 1e9 + 0.1;
  const TrainingState back = training_state_from_json(to_json(state), "test");
  EXPECT_EQ(back, state);
  EXPECT_TRUE(std::isnan(training_state_from_json(to_json(TrainingState{}), "test").running_loss));
}

TEST(TrainingState, DamageIsAFormatError) {
  for (const char* text : {"", "{", "[]", "{}", "{\"step\": -1}", "{\"step\": \"1\"}"})
    EXPECT_THROW(training_state_from_json(text, "test"), FormatError) << text;
  std::string json = to_json(TrainingState{});
  json.replace(json.find("0x0p+0"), 6, "0x0p+z");
  EXPECT_THROW(training_state_from_json(json, "test"), FormatError);
}

TEST(Checkpoint, RestoresModelOptimizerAndState) {
  for (const bool with_average : {false, true}) {
    const testing::TemporaryFolder folder;
    Trained first(1, with_average), second(2, with_average);
    first.advance(2);
    TrainingState state;
    state.step = 2;
    write_checkpoint(folder / "last.safetensors", first.parts(), state, {{"note", "kept"}});
    EXPECT_EQ(read_checkpoint(folder / "last.safetensors", second.parts()).step, 2);
    expect_equal(models::state_of(*first.model), models::state_of(*second.model));
    expect_equal(first.adam.state(), second.adam.state());
    EXPECT_EQ(second.adam.steps(), 2);
    if (with_average) expect_equal(models::state_of(*first.average), models::state_of(*second.average));
    first.advance(1);
    second.advance(1);
    expect_equal(models::state_of(*first.model), models::state_of(*second.model));
  }
}

TEST(Checkpoint, PlainNamesAreTheWeightsToEvaluateWith) {
  const testing::TemporaryFolder folder;
  Trained trained(1, true);
  trained.advance(1);
  write_checkpoint(folder / "last.safetensors", trained.parts(), {}, {});
  const auto file = serialization::read_safetensors(folder / "last.safetensors");
  for (const auto& [name, tensor] : models::state_of(*trained.average)) {
    EXPECT_TRUE(at::equal(file.tensors.at(name), tensor)) << name;
    EXPECT_NE(file.tensors.find("training.model." + name), nullptr) << name;
  }
  for (const auto& [name, tensor] : trained.adam.parameters()) {
    EXPECT_NE(file.tensors.find("training.adam.exp_avg." + name), nullptr) << name;
    EXPECT_NE(file.tensors.find("training.adam.exp_avg_sq." + name), nullptr) << name;
  }
  write_weights(folder / "best.safetensors", trained.parts(), {});
  expect_equal(serialization::read_safetensors(folder / "best.safetensors").tensors,
               models::state_of(*trained.average));
}

TEST(Checkpoint, OptimizerKnowsEveryParameterOfTheModel) {
  Trained trained(1);
  EXPECT_EQ(trained.adam.parameters().size(), trained.model->parameters().size());
}

TEST(Checkpoint, WeightsAloneCannotBeResumed) {
  const testing::TemporaryFolder folder;
  Trained trained(1);
  write_weights(folder / "best.safetensors", trained.parts(), {});
  EXPECT_THROW(read_checkpoint(folder / "best.safetensors", trained.parts()), FormatError);
  EXPECT_THROW(read_checkpoint(folder / "none.safetensors", trained.parts()), IoError);
}

TEST(Checkpoint, AFailedWriteLeavesTheEarlierFile) {
  const testing::TemporaryFolder folder;
  Trained trained(1);
  write_checkpoint(folder / "last.safetensors", trained.parts(), {}, {});
  const auto before = std::filesystem::file_size(folder / "last.safetensors");
  EXPECT_THROW(write_checkpoint(folder / "missing" / "last.safetensors", trained.parts(), {}, {}), IoError);
  EXPECT_EQ(std::filesystem::file_size(folder / "last.safetensors"), before);
}

}  // namespace
}  // namespace sscvae::train
