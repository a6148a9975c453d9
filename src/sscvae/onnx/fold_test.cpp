#include "sscvae/onnx/fold.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/graph/interpreter.h"
#include "sscvae/models/frozen.h"
#include "sscvae/nn/arrays.h"
#include "support/small_models.h"

namespace sscvae::onnx {
namespace {

using namespace graph;
using testing::small_options;
using testing::stirred_model;

template <class Kind>
int count_nodes(const Graph& graph) {
  int found = 0;
  for (const Node& node : graph.nodes) found += std::holds_alternative<Kind>(node.operation);
  return found;
}

void expect_same_values(const Graph& original) {
  const Graph folded = fold(original);
  EXPECT_LE(folded.nodes.size(), original.nodes.size());
  const at::Tensor images = torch::rand({2, original.in_channels, 40, 24});
  const auto before = run_plain(original, images), after = run_plain(folded, images);
  for (const NamedValue& named : named_values()) {
    ASSERT_EQ(original.*named.value < 0, folded.*named.value < 0) << named.name;
    if (original.*named.value < 0) continue;
    EXPECT_TRUE(at::allclose(after.at(static_cast<size_t>(folded.*named.value)),
                             before.at(static_cast<size_t>(original.*named.value)), 1e-4, 1e-5))
        << named.name;
  }
}

/// Without the names of all values but the reconstruction.
Graph unnamed(Graph graph) {
  for (const NamedValue& named : named_values())
    if (named.value != &Graph::reconstruction) graph.*named.value = -1;
  return graph;
}

class Fold : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Fold, ValuesStay) {
  const auto& [model, profile] = GetParam();
  const Graph original = models::frozen(*stirred_model(small_options(model, profile)));
  expect_same_values(original);
  expect_same_values(unnamed(original));
  EXPECT_EQ(count_nodes<ChannelAffine>(fold(original)), 0);
  for (const Node& node : fold(original).nodes) {
    if (const Attention* op = std::get_if<Attention>(&node.operation)) {
      EXPECT_EQ(op->scale, 1);
    }
  }
}

SSCVAE_FOR_ALL_MODELS(Fold);

TEST(Fold, NormsBeforeConvolutionsStay) {
  models::ModelOptions options = small_options("ssc-vae", "sound");
  options.lite.normalization = models::Normalization::kBatch;
  const Graph original = models::frozen(*stirred_model(options));
  expect_same_values(original);
  EXPECT_GT(count_nodes<ChannelAffine>(fold(original)), 0);
}

TEST(Fold, TheOutputsShiftGoesThroughThePixelShuffleUnlessTheLogitsAreWanted) {
  const Graph original = models::frozen(*stirred_model(small_options("vae", "sound")));
  EXPECT_EQ(count_nodes<Affine>(fold(original)), 2);  // the image's and the output's
  EXPECT_EQ(count_nodes<Affine>(fold(unnamed(original))), 1);
}

TEST(Fold, LearnedThresholdsBecomeTheirMap) {
  for (const auto kind : {networks::ThresholdKind::kPerAtom, networks::ThresholdKind::kPerPosition}) {
    models::ModelOptions options = small_options("sc-vae", "sound");
    options.sparse_coder.threshold = kind;
    const Graph folded = fold(models::frozen(*stirred_model(options)));
    EXPECT_TRUE(std::holds_alternative<Constant>(folded.nodes.at(static_cast<size_t>(folded.threshold)).operation));
  }
}

/// input -> convolution 1 -> 2 without bias -> what follows.
Graph after_convolution(std::vector<Node> rest) {
  Graph graph;
  graph.nodes = {{Input{}, {}, "image"}, {Convolution{torch::tensor({2.0f, 3.0f}).view({2, 1, 1, 1}), {}}, {0}, "c"}};
  for (Node& node : rest) graph.nodes.push_back(std::move(node));
  graph.reconstruction = static_cast<Value>(graph.nodes.size()) - 1;
  return graph;
}

TEST(Fold, FactorsAndShiftsBecomeWeights) {
  const Graph folded = fold(after_convolution({{Affine{2, 1}, {1}, "a"}, {Affine{-1, 5}, {2}, "b"}}));
  ASSERT_EQ(folded.nodes.size(), 2u);
  const auto& convolution = std::get<Convolution>(folded.nodes[1].operation);
  EXPECT_TRUE(at::equal(convolution.weight.flatten(), torch::tensor({-4.0f, -6.0f})));
  EXPECT_TRUE(at::equal(convolution.bias, torch::tensor({4.0f, 4.0f})));
  const Graph scaled = fold(after_convolution({{Affine{2, 0}, {1}, "a"}}));
  EXPECT_FALSE(std::get<Convolution>(scaled.nodes[1].operation).bias.defined());
}

TEST(Fold, AValueThatIsUsedTwiceStays) {
  const Graph twice = after_convolution({{Affine{2, 1}, {1}, "a"}, {Add{}, {1, 2}, "sum"}});
  EXPECT_EQ(fold(twice).nodes.size(), 4u);
  Graph named = after_convolution({{Affine{2, 1}, {1}, "a"}});
  named.logits = 1;
  EXPECT_EQ(fold(named).nodes.size(), 3u);
}

TEST(Fold, OnlyFactorsOfAllChannelsGoThroughAPixelShuffle) {
  Graph graph = after_convolution({{PixelShuffle{2}, {1}, "shuffle"}, {Affine{3, 1}, {2}, "affine"}});
  std::get<Convolution>(graph.nodes[1].operation).weight = torch::rand({8, 1, 1, 1});
  expect_same_values(graph);
  EXPECT_EQ(fold(graph).nodes.size(), 3u);
  graph.nodes[3] = {ChannelAffine{torch::rand({2}), torch::rand({2})}, {2}, "norm"};
  expect_same_values(graph);
  EXPECT_EQ(fold(graph).nodes.size(), 4u);
}

TEST(Fold, WhatNoNamedValueNeedsIsLeftOut) {
  Graph graph = after_convolution({{Affine{2, 1}, {1}, "dead"}, {Affine{3, 1}, {2}, "dead"}, {Add{}, {1, 1}, "sum"}});
  graph.nodes.push_back({Affine{2, 0}, {4}, "factor"});
  graph.reconstruction = 5;
  expect_same_values(graph);
  EXPECT_EQ(fold(graph).nodes.size(), 4u);
  graph.log_variance = 3;
  expect_same_values(graph);
  EXPECT_EQ(fold(graph).nodes.size(), 5u);  // the two of that branch become one
}

TEST(Fold, TransposedConvolutionsTakeFactorsOfTheirOutputs) {
  Graph graph = after_convolution({{TransposedConvolution{torch::rand({2, 3, 2, 2}), torch::rand({3})}, {1}, "up"},
                                   {ChannelAffine{torch::rand({3}), torch::rand({3})}, {2}, "norm"}});
  expect_same_values(graph);
  EXPECT_EQ(fold(graph).nodes.size(), 3u);
}

TEST(Fold, KnowsWhichThresholdsAreNeverNegative) {
  const auto answer = [](const std::string& model, const std::string& profile) {
    const Graph graph = fold(models::frozen(*stirred_model(small_options(model, profile))));
    return never_negative(graph, graph.threshold);
  };
  for (const char* model : {"ssc-vae", "sc-vae-in", "sc-vae"})
    for (const char* profile : {"sound", "paper"}) EXPECT_TRUE(answer(model, profile)) << model << " " << profile;
  EXPECT_FALSE(answer("ssc-vae", "reference"));
  EXPECT_FALSE(answer("sc-vae-in", "reference"));
  Graph graph = after_convolution({{Constant{torch::tensor({0.5f, -0.1f}).view({1, 2, 1, 1})}, {1}, "alpha"}});
  EXPECT_FALSE(never_negative(graph, 2));
  graph.nodes[2].operation = Constant{torch::tensor({0.5f, 0.0f}).view({1, 2, 1, 1})};
  EXPECT_TRUE(never_negative(graph, 2));
  graph.nodes.push_back({Affine{-1, 0}, {2}, "negated"});
  EXPECT_FALSE(never_negative(graph, 3));
}

}  // namespace
}  // namespace sscvae::onnx
