#include "sscvae/models/frozen.h"
#include "sscvae/core/error.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/small_models.h"

namespace sscvae::graph {
namespace {

using testing::small_options;
using testing::stirred_model;

void expect_close(const at::Tensor& found, const at::Tensor& expected, const char* what) {
  ASSERT_EQ(found.defined(), expected.defined()) << what;
  if (!expected.defined()) return;
  EXPECT_TRUE(at::allclose(found.expand_as(expected), expected, 1e-4, 1e-5))
      << what << ": " << (found - expected).abs().max().item<double>();
}

void expect_same_pass(models::Autoencoder& model) {
  const c10::InferenceMode no_gradients;
  const at::Tensor images = torch::rand({2, model.options().in_channels, 40, 24});
  const models::ForwardResult expected = model.forward(images);
  const Graph graph = models::frozen(model);
  const std::vector<Array> values = run_plain(graph, images);
  const auto value = [&](Value v) { return v < 0 ? at::Tensor() : as_tensor(values.at(static_cast<size_t>(v))); };
  expect_close(value(graph.features), expected.features, "features");
  expect_close(value(graph.code), expected.code, "code");
  expect_close(value(graph.threshold), expected.threshold, "threshold");
  expect_close(value(graph.coded_features), expected.coded_features, "coded features");
  expect_close(value(graph.log_variance), expected.log_variance, "log variance");
  expect_close(value(graph.logits), expected.logits, "logits");
  expect_close(value(graph.reconstruction), expected.reconstruction, "reconstruction");
}

class Freeze : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Freeze, GraphComputesWhatTheModelDoes) {
  const auto& [model, profile] = GetParam();
  expect_same_pass(*stirred_model(small_options(model, profile)));
}

SSCVAE_FOR_ALL_MODELS(Freeze);

TEST(Freeze, KnowsEveryKindOfThresholdAndIteration) {
  for (const auto threshold :
       {networks::ThresholdKind::kScalar, networks::ThresholdKind::kPerAtom, networks::ThresholdKind::kPerPosition})
    for (const auto activation : {networks::ThresholdActivation::kSigned, networks::ThresholdActivation::kSoftplus,
                                  networks::ThresholdActivation::kRelu}) {
      models::ModelOptions options = small_options("sc-vae", "sound");
      options.sparse_coder.threshold = threshold;
      options.sparse_coder.threshold_refinement = networks::ThresholdRefinement::kNone;
      options.sparse_coder.threshold_activation = activation;
      expect_same_pass(*stirred_model(options));
    }
  for (const auto iteration : {networks::Iteration::kUntied, networks::Iteration::kPerLayer}) {
    models::ModelOptions options = small_options("ssc-vae", "sound");
    options.sparse_coder.iteration = iteration;
    expect_same_pass(*stirred_model(options));
  }
}

TEST(Freeze, KnowsNormsShufflesAndColour) {
  for (const auto norm : {models::Normalization::kNone, models::Normalization::kBatch, models::Normalization::kGroup})
    for (const int64_t unshuffle : {1, 2, 8}) {
      models::ModelOptions options = small_options("ssc-vae", "sound");
      options.in_channels = 3;
      options.lite.normalization = norm;
      options.lite.unshuffle = unshuffle;
      options.reference.normalization = norm;
      options.backbone = unshuffle == 1 ? models::Backbone::kReference : models::Backbone::kLite;
      expect_same_pass(*stirred_model(options));
    }
}

TEST(Freeze, TakesTheThresholdScaleInUse) {
  const auto model = stirred_model(small_options("ssc-vae", "sound"));
  models::set_threshold_scale(*model, 1.7);
  expect_same_pass(*model);
}

TEST(Freeze, RefusesSizesThatDoNotFit) {
  const Graph graph = models::frozen(*stirred_model(small_options("vae", "sound")));
  EXPECT_THROW(run_plain(graph, torch::rand({1, 1, 33, 32})), ShapeError);
  EXPECT_THROW(run_plain(graph, torch::rand({1, 3, 32, 32})), ShapeError);
}

}  // namespace
}  // namespace sscvae::graph
