#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/models/network_autoencoder.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"
#include "support/sparse_coder_piece.h"
#include "support/tolerances.h"

namespace sscvae::models {
namespace {

using networks::InitialCode;
using networks::Iteration;
using networks::Lipschitz;
using networks::SparseCoderOptions;
using networks::SpatialInput;
using networks::ThresholdActivation;
using networks::ThresholdKind;
using networks::ThresholdRefinement;
using SparseCoder = testing::SparseCoderPiece;

SparseCoderOptions small() {
  SparseCoderOptions options;
  options.num_atoms = 12;
  options.atom_dim = 9;
  options.num_iterations = 3;
  options.cbam_reduction = 4;
  return options;
}

at::Tensor features(int64_t channels = 9) {
  torch::manual_seed(6);
  return torch::randn({2, channels, 4, 5}, at::kDouble);
}

TEST(SparseCoder, GradientsReachEveryParameterAndMatchDifferences) {
  const auto check = [](const char* name, SparseCoderOptions options) {
    SCOPED_TRACE(name);
    torch::manual_seed(7);
    SparseCoder coder(options, 1);
    coder.to(at::kDouble);
    const at::Tensor input = features().requires_grad_();
    coder.initialize_thresholds(input.detach() * 1.1);  // not on these features: a threshold equal to a value is a kink
    const SparseCoder::Result first = coder.code(input);
    const at::Tensor weights = torch::randn_like(first.coded_features);
    std::vector<at::Tensor> inputs{input};
    for (const at::Tensor& parameter : coder.parameters()) inputs.push_back(parameter);
    EXPECT_TRUE(testing::gradients_match(
        [&] {
          const SparseCoder::Result result = coder.code(input);
          return (result.coded_features * weights).sum() + (result.threshold_refinement.square()).sum();
        },
        inputs, 2e-5, 20, 1e-6));
  };
  check("sound", small());
  for (const auto threshold : {ThresholdKind::kScalar, ThresholdKind::kPerAtom, ThresholdKind::kPerPosition}) {
    SparseCoderOptions options = small();
    options.threshold = threshold;
    options.threshold_refinement = ThresholdRefinement::kNone;
    options.grid_height = 3;
    check("learned", options);
  }
  SparseCoderOptions reference = small();
  reference.threshold_activation = ThresholdActivation::kSigned;
  reference.initial_code = InitialCode::kProjected;
  reference.lipschitz = Lipschitz::kTrainable;
  reference.unit_norm_atoms = false;
  check("reference", reference);
  SparseCoderOptions literal = small();
  literal.threshold_activation = ThresholdActivation::kRelu;
  literal.quadratic_factor = 1.0;
  literal.cbam_spatial_input = SpatialInput::kInferred;
  check("literal", literal);
}

TEST(SparseCoder, FreeWeightsStartWhereTheTiedCoderIs) {
  SparseCoderOptions options = small();
  options.threshold = ThresholdKind::kScalar;
  options.threshold_refinement = ThresholdRefinement::kNone;
  const at::Tensor input = features().to(at::kFloat);
  const at::Tensor tied = SparseCoder(options, 1).code(input).code;
  for (const auto iteration : {Iteration::kUntied, Iteration::kPerLayer}) {
    options.iteration = iteration;
    SparseCoder coder(options, 1);
    EXPECT_TRUE(testing::is_close(coder.code(input).code, tied, 1e-5));
    EXPECT_EQ(coder.parameters().size(), iteration == Iteration::kUntied ? 4u : 8u);  // D, alpha and pairs of We, S
  }
}

TEST(SparseCoder, ThresholdsAreNeverNegativeUnlessSigned) {
  const at::Tensor input = features().to(at::kFloat) * 5;
  for (const auto activation :
       {ThresholdActivation::kSoftplus, ThresholdActivation::kRelu, ThresholdActivation::kSigned}) {
    SparseCoderOptions options = small();
    options.threshold_activation = activation;
    torch::manual_seed(8);
    const double smallest = SparseCoder(options, 1).code(input).threshold.min().item<double>();
    if (activation == ThresholdActivation::kSigned) EXPECT_LT(smallest, 0);
    else EXPECT_GE(smallest, 0);
  }
}

TEST(SparseCoder, InitialThresholdsLeaveTheWishedShare) {
  SparseCoderOptions options = small();
  options.threshold = ThresholdKind::kScalar;
  options.threshold_refinement = ThresholdRefinement::kNone;
  options.initial_survivors = 0.25;
  SparseCoder coder(options, 1);
  torch::manual_seed(9);
  const at::Tensor input = torch::randn({4, 9, 16, 16});
  coder.initialize_thresholds(input);
  const at::Tensor rows = input.permute({0, 2, 3, 1}).reshape({-1, 9});
  const at::Tensor alpha = coder.code(input).threshold_refinement;
  const double share = (rows.mm(coder.dictionary()).abs() > alpha.flatten()).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(share, 0.25, 0.01);
}

TEST(SparseCoder, ThresholdIsAlphaOverTwoQTimesL) {
  SparseCoderOptions options = small();
  for (const double q : {0.5, 1.0}) {
    options.quadratic_factor = q;
    SparseCoder coder(options, 1);
    const SparseCoder::Result result = coder.code(features().to(at::kFloat));
    EXPECT_TRUE(testing::is_close(result.threshold * coder.lipschitz() * 2 * q, result.threshold_refinement, 1e-6));
  }
}

TEST(SparseCoder, StrengthScalesThresholdsAndThinsTheCode) {
  SparseCoder coder(small(), 1);
  const at::Tensor input = features().to(at::kFloat);
  coder.initialize_thresholds(input);
  const SparseCoder::Result plain = coder.code(input);
  coder.manner.settings.strength = 2;
  const SparseCoder::Result strong = coder.code(input);
  EXPECT_TRUE(testing::is_close(strong.threshold, plain.threshold * 2, 1e-6));
  EXPECT_LT((strong.code != 0).sum().item<int64_t>(), (plain.code != 0).sum().item<int64_t>());
}

TEST(SparseCoder, FusedIterationsEqualPlainOnes) {
  for (const auto threshold : {ThresholdKind::kScalar, ThresholdKind::kPerAtom, ThresholdKind::kInferred}) {
    SparseCoderOptions options = small();
    options.num_iterations = 6;
    options.threshold = threshold;
    if (threshold != ThresholdKind::kInferred) options.threshold_refinement = ThresholdRefinement::kNone;
    torch::manual_seed(10);
    SparseCoder coder(options, 1);
    const at::Tensor input = torch::randn({2, 9, 16, 16}).requires_grad_();
    coder.initialize_thresholds(input.detach() * 1.1);  // a threshold equal to a value is a kink
    std::vector<at::Tensor> inputs = coder.parameters();
    inputs.push_back(input);
    const auto solve = [&](bool plain) {
      coder.manner.plain_code = plain;
      const SparseCoder::Result result = coder.code(input);
      std::vector<at::Tensor> all = torch::autograd::grad({result.coded_features.square().sum()}, inputs);
      all.push_back(result.code.detach());
      return all;
    };
    const std::vector<at::Tensor> fused = solve(false), plain = solve(true);
    EXPECT_FALSE(at::equal(fused.back(), plain.back())) << "the same path twice";
    for (size_t i = 0; i < fused.size(); ++i) EXPECT_TRUE(testing::is_close(fused[i], plain[i], 1e-4)) << i;
  }
}

TEST(SparseCoder, AtomsKeepUnitLength) {
  ModelOptions options;
  options.lite.width = 8;
  options.sparse_coder = small();
  NetworkAutoencoder model(options, 1);
  at::Tensor stored = model.weight("_LISTA._Dict");
  const at::NoGradGuard no_grad;
  stored.mul_(3.0);
  EXPECT_LT((model.dictionary().norm(2, {0}) - 1).abs().max().item<double>(), 1e-5);
  model.after_optimizer_step();
  EXPECT_LT((stored.norm(2, {0}) - 1).abs().max().item<double>(), 1e-5);
}

TEST(SparseCoder, EveryParameterIsALeaf) {
  SparseCoderOptions options = small();
  options.lipschitz = Lipschitz::kTrainable;
  for (const auto iteration : {Iteration::kTied, Iteration::kUntied}) {
    options.iteration = iteration;
    SparseCoder coder(options, 1);
    for (const auto& item : coder.named_parameters()) EXPECT_TRUE(item.value().is_leaf()) << item.key();
  }
}

TEST(SparseCoder, RefusesContradictions) {
  SparseCoderOptions options = small();
  options.threshold = ThresholdKind::kScalar;
  EXPECT_THROW(SparseCoder(options, 1), UsageError);  // attention without inferred thresholds
  options = small();
  options.cbam_kernel = 4;
  EXPECT_THROW(SparseCoder(options, 1), UsageError);
}

TEST(SparseCoder, ParityOfAThresholdMap) {
  const auto file =
      serialization::read_safetensors(testing::parity_folder() / "blocks/lista_grid_threshold.safetensors").tensors;
  const at::Tensor& input = file.at("x");
  SparseCoderOptions options;
  options.atom_dim = file.at("D").size(0);
  options.num_atoms = file.at("D").size(1);
  options.num_iterations = 4;
  options.threshold = ThresholdKind::kPerPosition;
  options.threshold_refinement = ThresholdRefinement::kNone;
  options.threshold_activation = ThresholdActivation::kSigned;
  options.grid_height = 5;
  options.grid_width = 7;
  options.initial_code = InitialCode::kProjected;
  options.lipschitz = Lipschitz::kTrainable;
  options.unit_norm_atoms = false;
  SparseCoder coder(options, 1);
  coder.to(at::kDouble);
  auto parameters = coder.named_parameters();
  {
    const at::NoGradGuard no_grad;
    parameters["_LISTA._Dict"].copy_(file.at("D"));
    parameters["_LISTA._L"].copy_(file.at("L"));
    parameters["_LISTA._alpha"].copy_(file.at("alpha"));
  }
  const at::Tensor x = input.clone().requires_grad_();
  const SparseCoder::Result result = coder.code(x);
  EXPECT_TRUE(testing::is_close(result.code, file.at("code"), testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(result.coded_features, file.at("latent_recon"), testing::kBlock.float64));
  const auto gradients =
      torch::autograd::grad({result.code, result.coded_features},
                            {x, parameters["_LISTA._Dict"], parameters["_LISTA._L"], parameters["_LISTA._alpha"]},
                            {file.at("grad_code"), file.at("grad_latent_recon")});
  const char* names[] = {"grad/x", "grad/D", "grad/L", "grad/alpha"};
  for (size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(testing::is_close(gradients[i], file.at(names[i]), testing::kBlockGradient.float64)) << names[i];
}

}  // namespace
}  // namespace sscvae::models
