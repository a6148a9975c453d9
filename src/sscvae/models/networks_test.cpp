#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"
#include "support/small_models.h"

/// Networks declare exactly the weights that models have.
namespace sscvae::models {
namespace {

using testing::small_options;

void expect_same_weights(const ModelOptions& options) {
  const auto model = make_autoencoder(options, 1);
  const networks::Network network = networks::find_model(options.name).network(options);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : model->named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : model->named_buffers()) tensors[item.key()] = item.value();
  ASSERT_EQ(network.weights.size(), tensors.size());
  for (const networks::Declared& weight : network.weights) {
    ASSERT_TRUE(tensors.count(weight.name)) << weight.name;
    const at::Tensor& tensor = tensors[weight.name];
    EXPECT_EQ(sizes_of(tensor.sizes()), weight.placeholder.sizes()) << weight.name;
    EXPECT_EQ(tensor.requires_grad(), weight.role == networks::Role::kTrained) << weight.name;
    EXPECT_EQ(data_type_of(tensor.scalar_type()), weight.placeholder.type()) << weight.name;
  }
}

class Networks : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Networks, DeclareTheWeightsOfTheModel) {
  const auto& [model, profile] = GetParam();
  expect_same_weights(small_options(model, profile));
}

SSCVAE_FOR_ALL_MODELS(Networks);

TEST(NetworkOptions, DeclareTheWeightsToo) {
  for (const auto kind : {networks::ThresholdKind::kScalar, networks::ThresholdKind::kPerAtom,
                          networks::ThresholdKind::kPerPosition, networks::ThresholdKind::kInferred})
    for (const auto iteration :
         {networks::Iteration::kTied, networks::Iteration::kUntied, networks::Iteration::kPerLayer}) {
      ModelOptions options = small_options("ssc-vae", "sound");
      options.sparse_coder.threshold = kind;
      if (kind != networks::ThresholdKind::kInferred)
        options.sparse_coder.threshold_refinement = networks::ThresholdRefinement::kNone;
      options.sparse_coder.iteration = iteration;
      expect_same_weights(options);
    }
  for (const auto norm : {Normalization::kNone, Normalization::kBatch, Normalization::kGroup})
    for (const auto backbone : {Backbone::kLite, Backbone::kReference}) {
      ModelOptions options = small_options("vae", "sound");
      options.backbone = backbone;
      options.lite.normalization = options.reference.normalization = norm;
      expect_same_weights(options);
    }
  ModelOptions grouped = small_options("csc", "sound");
  grouped.csc.threshold = networks::ThresholdKind::kPerAtom;
  grouped.csc.threshold_refinement = networks::ThresholdRefinement::kNone;
  grouped.csc.shrinkage = Shrinkage::kGrouped;
  expect_same_weights(grouped);
  ModelOptions scales = small_options("csc", "sound");
  scales.csc.attention_scales = 3;
  expect_same_weights(scales);
  ModelOptions codes = small_options("vq-vae", "sound");
  for (const auto update : {networks::CodebookUpdate::kGradient, networks::CodebookUpdate::kEma})
    for (const double revival : {0.0, 0.1}) {
      codes.quantizer.update = update;
      codes.quantizer.revival = revival;
      expect_same_weights(codes);
    }
}

}  // namespace
}  // namespace sscvae::models
