#include "sscvae/nn/recompute.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/networks/backbones.h"
#include "sscvae/nn/arrays.h"
#include "support/network_piece.h"

namespace sscvae::nn {
namespace {

std::shared_ptr<testing::NetworkPiece> halved(networks::Normalization norm, int64_t groups) {
  networks::ReferenceBackboneOptions options;
  options.normalization = norm;
  options.num_groups = groups;
  return std::make_shared<testing::NetworkPiece>(
      8, [&](const networks::Scope& s, networks::Value x) { return networks::down_sample(s, x, 16, options); });
}

struct Recomputed {
  at::Tensor y, gradient;
  std::vector<at::Tensor> parameters, buffers;
  int runs = 0;
};

Recomputed run(bool again) {
  torch::manual_seed(4);
  const auto block = halved(networks::Normalization::kBatch, 1);
  const at::Tensor x = torch::randn({2, 8, 12, 12}).requires_grad_(true);
  Recomputed outcome;
  const auto part = [&](const at::Tensor& input) {
    ++outcome.runs;
    return block->forward(input);
  };
  outcome.y = again ? recompute(block->buffers(), part, x) : part(x);
  outcome.y.square().sum().backward();
  outcome.gradient = x.grad();
  for (const at::Tensor& parameter : block->parameters()) outcome.parameters.push_back(parameter.grad());
  for (const at::Tensor& buffer : block->buffers()) outcome.buffers.push_back(buffer.clone());
  return outcome;
}

TEST(Recompute, GivesTheSameBitsAndMovesStatisticsOnce) {
  const Recomputed plain = run(false), again = run(true);
  EXPECT_EQ(plain.runs, 1);
  EXPECT_EQ(again.runs, 2);
  EXPECT_TRUE(at::equal(plain.y, again.y));
  EXPECT_TRUE(at::equal(plain.gradient, again.gradient));
  ASSERT_EQ(plain.parameters.size(), again.parameters.size());
  for (size_t i = 0; i < plain.parameters.size(); ++i)
    EXPECT_TRUE(at::equal(plain.parameters[i], again.parameters[i])) << i;
  ASSERT_GE(plain.buffers.size(), 2u);
  for (size_t i = 0; i < plain.buffers.size(); ++i) EXPECT_TRUE(at::equal(plain.buffers[i], again.buffers[i])) << i;
}

TEST(Recompute, RunsOnceWithoutGradients) {
  const auto block = halved(networks::Normalization::kGroup, 2);
  int runs = 0;
  const auto part = [&](const at::Tensor& input) {
    ++runs;
    return block->forward(input);
  };
  const at::Tensor x = torch::randn({1, 8, 8, 8});
  recompute(block->buffers(), part, x);
  const at::NoGradGuard no_grad;
  recompute(block->buffers(), part, x);
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace sscvae::nn
