#include "sscvae/models/weights.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/models/registry.h"
#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"
#include "support/small_models.h"

namespace sscvae::models {
namespace {

TEST(TrainableWeights, AreThoseOfTheModelThatRuns) {
  for (const std::string& name : networks::model_names()) {
    const ModelOptions options = testing::small_options(name, "sound");
    const runtime::Model model(options, 3);
    const auto trained = trainable(model), fresh = make_autoencoder(options, 3);
    EXPECT_FALSE(trained->is_training());
    const serialization::StateDict state = state_of(*trained), expected = state_of(*fresh);
    EXPECT_EQ(model.state().size(), expected.size()) << name;
    for (const auto& [key, tensor] : expected) EXPECT_TRUE(at::equal(tensor, state.at(key))) << name << " " << key;
  }
}

TEST(TrainableWeights, ChangeNothingWhereAStateIsRefused) {
  const auto model = make_autoencoder(testing::small_options("ssc-vae", "sound"), 3);
  const serialization::StateDict before = state_of(*model);
  const at::Tensor first = as_tensor(before.begin()->second).clone();
  serialization::StateDict changed;
  for (const auto& [name, tensor] : before)
    if (name != "_LISTA._Dict") changed.add(name, Array::zeros(tensor.sizes(), tensor.type()));
  EXPECT_THROW(load_state(*model, changed, "file"), FormatError);
  EXPECT_TRUE(at::equal(first, before.begin()->second));
}

}  // namespace
}  // namespace sscvae::models
