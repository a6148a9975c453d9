#include "sscvae/serialization/state_dict.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::serialization {
namespace {

StateDict three() {
  StateDict state;
  state.add("encoder.weight", at::zeros({1}));
  state.add("decoder.weight", at::zeros({2}));
  state.add("encoder.bias", at::zeros({3}));
  return state;
}

TEST(StateDict, KeepsTheOrder) {
  EXPECT_EQ(three().names(), (std::vector<std::string>{"encoder.weight", "decoder.weight", "encoder.bias"}));
  EXPECT_EQ(three().size(), 3u);
  EXPECT_TRUE(StateDict().empty());
}

TEST(StateDict, Finds) {
  const StateDict state = three();
  EXPECT_EQ(state.find("decoder.weight")->size(0), 2);
  EXPECT_EQ(state.find("decoder"), nullptr);
  EXPECT_EQ(state.at("encoder.bias").size(0), 3);
}

TEST(StateDict, UnknownNameIsAFormatErrorWithTheNearestOne) {
  try {
    three().at("encoder.wieght", "'file.pt'");
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_EQ(std::string(error.what()).find("'file.pt' has no tensor 'encoder.wieght'"), 0u);
    EXPECT_NE(std::string(error.what()).find("encoder.weight"), std::string::npos);
  }
}

TEST(StateDict, TheSameNameTwiceIsAFormatError) {
  StateDict state = three();
  EXPECT_THROW(state.add("encoder.bias", at::zeros({1})), FormatError);
  EXPECT_EQ(state.size(), 3u);
}

TEST(StateDict, PrefixRemoved) {
  const StateDict encoder = three().with_prefix_removed("encoder.");
  EXPECT_EQ(encoder.names(), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_EQ(three().with_prefix_removed("").size(), 3u);
}

TEST(StateDict, LosesWhatWrappersPutBeforeEveryName) {
  const auto names_of = [](const std::vector<std::string>& names) {
    StateDict state;
    for (const std::string& name : names) state.add(name, at::zeros({1}));
    return state.without_wrappers().names();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of({"module.a.weight", "module.b"}), (Names{"a.weight", "b"}));
  EXPECT_EQ(names_of({"module._orig_mod.module.a"}), Names{"a"});
  EXPECT_EQ(names_of({"n_averaged", "module.a"}), Names{"a"});
  EXPECT_EQ(names_of({"module.a", "b"}), (Names{"module.a", "b"}));
  EXPECT_EQ(names_of({"n_averaged", "a"}), (Names{"n_averaged", "a"}));
  EXPECT_EQ(names_of({}), Names{});
}

}  // namespace
}  // namespace sscvae::serialization
