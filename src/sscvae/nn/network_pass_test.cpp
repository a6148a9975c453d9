#include "sscvae/nn/network_pass.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/networks/backbones.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/modules.h"
#include "support/network_piece.h"
#include "support/paths.h"

/// The parts of networks, in passes with gradients.
namespace sscvae::nn {
namespace {

using graph::SpatialInput;
using networks::Attention;
using networks::Normalization;
using networks::ReferenceBackboneOptions;
using networks::Scope;
using networks::Value;
using serialization::StateDict;
using testing::expect_block_parity;
using testing::gradients_match;
using testing::NetworkPiece;

StateDict block_file(const std::string& name) {
  return serialization::read_safetensors(testing::parity_folder() / "blocks" / (name + ".safetensors")).tensors;
}

std::shared_ptr<NetworkPiece> residual(int64_t channels) {
  return std::make_shared<NetworkPiece>(channels, [](const Scope& s, Value x) { return networks::residual(s, x); });
}
std::shared_ptr<NetworkPiece> halved(int64_t channels, int64_t out, Normalization norm, int64_t groups) {
  ReferenceBackboneOptions options;
  options.normalization = norm;
  options.num_groups = groups;
  return std::make_shared<NetworkPiece>(
      channels, [&](const Scope& s, Value x) { return networks::down_sample(s.in("_block"), x, out, options); });
}
std::shared_ptr<NetworkPiece> doubled(int64_t channels, int64_t out, Normalization norm) {
  ReferenceBackboneOptions options;
  options.normalization = norm;
  return std::make_shared<NetworkPiece>(
      channels, [&](const Scope& s, Value x) { return networks::up_sample(s.in("_block"), x, out, options); });
}
std::shared_ptr<NetworkPiece> non_local(int64_t channels, Attention attention, bool scaled) {
  ReferenceBackboneOptions options;
  options.attention = attention;
  options.scale_attention = scaled;
  return std::make_shared<NetworkPiece>(channels,
                                        [&](const Scope& s, Value x) { return networks::non_local(s, x, options); });
}
std::shared_ptr<NetworkPiece> cbam(int64_t channels, int64_t reduction, int64_t kernel,
                                   SpatialInput input = SpatialInput::kRefined) {
  return std::make_shared<NetworkPiece>(
      channels, [&](const Scope& s, Value x) { return s.cbam("", x, reduction, kernel, input); });
}

void check_gradients(const std::string& name, NetworkPiece& piece, int64_t channels) {
  SCOPED_TRACE(name);
  piece.to(at::kDouble);
  const at::Tensor input = torch::randn({2, channels, 4, 6}, at::kDouble).requires_grad_();
  const at::Tensor weights = torch::randn_like(piece.forward(input));
  std::vector<at::Tensor> inputs{input};
  for (const at::Tensor& parameter : piece.parameters()) inputs.push_back(parameter);
  EXPECT_TRUE(gradients_match([&] { return (piece.forward(input) * weights).sum(); }, inputs, 2e-5));
}

TEST(Blocks, GradientsMatchDifferences) {
  torch::manual_seed(4);
  check_gradients("residual", *residual(4), 4);
  check_gradients("down group", *halved(4, 6, Normalization::kGroup, 3), 4);
  check_gradients("up none", *doubled(4, 3, Normalization::kNone), 4);
  check_gradients("non-local over queries", *non_local(4, Attention::kOverQueries, false), 4);
  check_gradients("non-local over keys", *non_local(4, Attention::kOverKeys, true), 4);
  check_gradients("cbam", *cbam(4, 2, 3), 4);
  check_gradients("cbam, Eq. 10 to the letter", *cbam(4, 2, 7, SpatialInput::kInferred), 4);
  NetworkPiece lite(8, [](const Scope& s, Value x) { return networks::lite_residual(s, x, Normalization::kGroup); });
  check_gradients("lite residual", lite, 8);
}

TEST(Blocks, ShapesAndOptionErrors) {
  EXPECT_EQ(halved(3, 5, Normalization::kBatch, 1)->forward(torch::rand({1, 3, 7, 9})).sizes(),
            at::IntArrayRef({1, 5, 3, 4}));
  EXPECT_EQ(doubled(3, 5, Normalization::kBatch)->forward(torch::rand({2, 3, 7, 9})).sizes(),
            at::IntArrayRef({2, 5, 14, 18}));
  EXPECT_THROW(halved(3, 5, Normalization::kGroup, 2), UsageError);
}

TEST(NonLocalBlock, PiecewiseEvaluationEqualsTheWhole) {
  torch::manual_seed(5);
  const at::Tensor x = torch::randn({1, 8, 40, 41});  // 1640 positions: more than one piece
  for (const auto attention : {Attention::kOverQueries, Attention::kOverKeys})
    for (const bool scaled : {false, true}) {
      const auto block = non_local(8, attention, scaled);
      const at::Tensor whole = block->forward(x);
      const at::NoGradGuard no_grad;
      EXPECT_TRUE(testing::is_close(block->forward(x), whole, 1e-5));
    }
}

TEST(Blocks, Parity) {
  const auto in_double = [](auto block) {
    block->to(at::kDouble);
    return block;
  };
  size_t compared = 0;
  const auto check = [&](const std::string& name, auto block) {
    if (!std::filesystem::exists(testing::parity_folder() / "blocks" / (name + ".safetensors"))) return;
    SCOPED_TRACE(name);
    expect_block_parity(*block, block_file(name), testing::kBlock.float64, testing::kBlockGradient.float64);
    ++compared;
  };
  check("residual", in_double(residual(8)));
  for (const std::string mode : {"train", "eval"}) {
    const auto in_mode = [&](auto block) {
      block->train(mode == "train");
      return in_double(block);
    };
    check("down_" + mode, in_mode(halved(6, 10, Normalization::kBatch, 1)));
    check("down_odd_size_" + mode, in_mode(halved(6, 10, Normalization::kBatch, 1)));
    check("up_" + mode, in_mode(doubled(10, 6, Normalization::kBatch)));
  }
  check("cbam_24", in_double(cbam(24, 16, 3)));
  check("cbam_40", in_double(cbam(40, 16, 3)));
  check("non_local", in_double(non_local(12, Attention::kOverQueries, false)));
  EXPECT_GE(compared, 5u);
}

TEST(NonLocalBlock, ParityOfTheStandardForms) {
  const StateDict file = block_file("non_local");
  const auto run = [&](Attention attention, bool scaled) {
    const auto block = non_local(12, attention, scaled);
    block->to(at::kDouble);
    testing::load_parameters(*block, file, "param/");
    return block->forward(file.at("input"));
  };
  EXPECT_TRUE(testing::is_close(run(Attention::kOverKeys, false), file.at("softmax_over_keys/output"),
                                testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(run(Attention::kOverKeys, true), file.at("softmax_over_keys_scaled/output"),
                                testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(run(Attention::kOverQueries, true), file.at("softmax_over_queries_scaled/output"),
                                testing::kBlock.float64));
}

}  // namespace
}  // namespace sscvae::nn
