#include "sscvae/nn/blocks.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/cbam.h"
#include "sscvae/nn/lite_blocks.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/modules.h"
#include "support/paths.h"

namespace sscvae::nn {
namespace {

using serialization::StateDict;
using testing::expect_block_parity;
using testing::gradients_match;

StateDict block_file(const std::string& name) {
  return serialization::read_safetensors(testing::parity_folder() / "blocks" / (name + ".safetensors")).tensors;
}

template <class Module>
void check_gradients(Module& module, at::Tensor input) {
  module.to(at::kDouble);
  input.requires_grad_();
  const at::Tensor weights = torch::randn_like(module.forward(input));
  std::vector<at::Tensor> inputs{input};
  for (const at::Tensor& parameter : module.parameters()) inputs.push_back(parameter);
  EXPECT_TRUE(gradients_match([&] { return (module.forward(input) * weights).sum(); }, inputs, 2e-5));
}

TEST(Blocks, GradientsMatchDifferences) {
  torch::manual_seed(4);
  const auto input = [](int64_t channels) { return torch::randn({2, channels, 4, 6}, at::kDouble); };
  {
    SCOPED_TRACE("residual");
    ResidualBlock block(4);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("down group");
    DownSample block(4, 6, Norm::kGroup, 3);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("up none");
    UpSample block(4, 3, Norm::kNone, 1);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("non-local over queries");
    NonLocalBlock block(4, SoftmaxAxis::kQueries, false);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("non-local over keys");
    NonLocalBlock block(4, SoftmaxAxis::kKeys, true);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("cbam");
    Cbam block(4, 2, 3);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("cbam, Eq. 10 to the letter");
    Cbam block(4, 2, 7, SpatialInput::kInferred);
    check_gradients(*block, input(4));
  }
  {
    SCOPED_TRACE("lite residual");
    LiteResidualBlock block(8, Norm::kGroup);
    check_gradients(*block, input(8));
  }
}

TEST(Blocks, ShapesAndOptionErrors) {
  EXPECT_EQ(DownSample(3, 5, Norm::kBatch, 1)->forward(torch::rand({1, 3, 7, 9})).sizes(),
            at::IntArrayRef({1, 5, 3, 4}));
  EXPECT_EQ(UpSample(3, 5, Norm::kBatch, 1)->forward(torch::rand({2, 3, 7, 9})).sizes(),
            at::IntArrayRef({2, 5, 14, 18}));
  EXPECT_THROW(DownSample(3, 5, Norm::kGroup, 2), UsageError);
  EXPECT_THROW(Cbam(8, 2, 3)->forward(torch::rand({1, 4, 2, 2})), ShapeError);
}

TEST(NonLocalBlock, PiecewiseEvaluationEqualsTheWhole) {
  torch::manual_seed(5);
  const at::Tensor x = torch::randn({1, 8, 40, 41});  // 1640 positions: more than one piece
  for (const auto axis : {SoftmaxAxis::kQueries, SoftmaxAxis::kKeys})
    for (const bool scaled : {false, true}) {
      NonLocalBlock block(8, axis, scaled);
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
  check("residual", in_double(ResidualBlock(8)));
  for (const std::string mode : {"train", "eval"}) {
    const auto in_mode = [&](auto block) {
      block->train(mode == "train");
      return in_double(block);
    };
    check("down_" + mode, in_mode(DownSample(6, 10, Norm::kBatch, 1)));
    check("down_odd_size_" + mode, in_mode(DownSample(6, 10, Norm::kBatch, 1)));
    check("up_" + mode, in_mode(UpSample(10, 6, Norm::kBatch, 1)));
  }
  check("cbam_24", in_double(Cbam(24, 16, 3)));
  check("cbam_40", in_double(Cbam(40, 16, 3)));
  check("non_local", in_double(NonLocalBlock(12, SoftmaxAxis::kQueries, false)));
  EXPECT_GE(compared, 5u);
}

TEST(NonLocalBlock, ParityOfTheStandardForms) {
  const StateDict file = block_file("non_local");
  const auto run = [&](SoftmaxAxis axis, bool scaled) {
    NonLocalBlock block(12, axis, scaled);
    block->to(at::kDouble);
    testing::load_parameters(*block, file, "param/");
    return block->forward(file.at("input"));
  };
  EXPECT_TRUE(
      testing::is_close(run(SoftmaxAxis::kKeys, false), file.at("softmax_over_keys/output"), testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(run(SoftmaxAxis::kKeys, true), file.at("softmax_over_keys_scaled/output"),
                                testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(run(SoftmaxAxis::kQueries, true), file.at("softmax_over_queries_scaled/output"),
                                testing::kBlock.float64));
}

}  // namespace
}  // namespace sscvae::nn
