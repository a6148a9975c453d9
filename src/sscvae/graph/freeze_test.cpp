#include "sscvae/graph/freeze.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/sparse_coding_autoencoder.h"

namespace sscvae::graph {
namespace {

models::ModelOptions small(const std::string& model, const std::string& profile) {
  models::ModelOptions options;
  FieldList fields;
  fields.add_section("model", options);
  for (const Assignments& values : {models::find_model(model).values(profile), models::find_profile(profile).values})
    for (const auto& value : values)
      if (value.first.starts_with("model.")) assign(fields, {value}, "test");
  options.name = model;
  options.lite.width = 16;
  options.reference.hidden_channels_1 = 8;
  options.reference.hidden_channels_2 = 16;
  options.reference.num_groups = 4;
  options.sparse_coder.num_atoms = 32;
  options.sparse_coder.atom_dim = 16;
  options.sparse_coder.num_iterations = 4;
  options.quantizer.num_codes = 32;
  options.quantizer.code_dim = options.vae.latent_dim = 16;
  options.sparse_coder.grid_height = options.sparse_coder.grid_width = 8;
  return options;
}

/// A model whose every tensor, statistics of normalisation included, has left its initial value.
std::shared_ptr<models::Autoencoder> stirred(const models::ModelOptions& options) {
  const auto model = models::make_autoencoder(options, 1);
  const at::NoGradGuard no_grad;
  torch::manual_seed(7);
  model->initialize_from(torch::rand({2, options.in_channels, 32, 32}));
  for (int i = 0; i < 2; ++i) model->forward(torch::rand({2, options.in_channels, 32, 32}));
  for (at::Tensor& parameter : model->parameters()) parameter.add_(0.02 * torch::randn_like(parameter));
  model->eval();
  return model;
}

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
  const Graph graph = freeze(model);
  const std::vector<at::Tensor> values = run_plain(graph, images);
  const auto value = [&](Value v) { return v < 0 ? at::Tensor() : values.at(static_cast<size_t>(v)); };
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
  expect_same_pass(*stirred(small(model, profile)));
}

std::vector<std::string> models_to_freeze() { return models::model_names(); }

INSTANTIATE_TEST_SUITE_P(Registry, Freeze,
                         ::testing::Combine(::testing::ValuesIn(models_to_freeze()),
                                            ::testing::ValuesIn(models::profile_names())),
                         [](const auto& entry) {
                           std::string name = std::get<0>(entry.param) + "_" + std::get<1>(entry.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Freeze, KnowsEveryKindOfThresholdAndIteration) {
  for (const auto threshold :
       {nn::ThresholdKind::kScalar, nn::ThresholdKind::kPerAtom, nn::ThresholdKind::kPerPosition})
    for (const auto activation :
         {nn::ThresholdActivation::kSigned, nn::ThresholdActivation::kSoftplus, nn::ThresholdActivation::kRelu}) {
      models::ModelOptions options = small("sc-vae", "sound");
      options.sparse_coder.threshold = threshold;
      options.sparse_coder.threshold_refinement = nn::ThresholdRefinement::kNone;
      options.sparse_coder.threshold_activation = activation;
      expect_same_pass(*stirred(options));
    }
  for (const auto iteration : {nn::Iteration::kUntied, nn::Iteration::kPerLayer}) {
    models::ModelOptions options = small("ssc-vae", "sound");
    options.sparse_coder.iteration = iteration;
    expect_same_pass(*stirred(options));
  }
}

TEST(Freeze, KnowsNormsShufflesAndColour) {
  for (const auto norm : {models::Normalization::kNone, models::Normalization::kBatch, models::Normalization::kGroup})
    for (const int64_t unshuffle : {1, 2, 8}) {
      models::ModelOptions options = small("ssc-vae", "sound");
      options.in_channels = 3;
      options.lite.normalization = norm;
      options.lite.unshuffle = unshuffle;
      options.reference.normalization = norm;
      options.backbone = unshuffle == 1 ? models::Backbone::kReference : models::Backbone::kLite;
      expect_same_pass(*stirred(options));
    }
}

TEST(Freeze, TakesTheThresholdScaleInUse) {
  const auto model = stirred(small("ssc-vae", "sound"));
  dynamic_cast<models::SparseCodingAutoencoder&>(*model).sparse_coder()->set_threshold_scale(1.7);
  expect_same_pass(*model);
}

TEST(Freeze, RefusesSizesThatDoNotFit) {
  const Graph graph = freeze(*stirred(small("vae", "sound")));
  EXPECT_THROW(run_plain(graph, torch::rand({1, 1, 33, 32})), ShapeError);
  EXPECT_THROW(run_plain(graph, torch::rand({1, 3, 32, 32})), ShapeError);
}

}  // namespace
}  // namespace sscvae::graph
