#include "sscvae/train/muon.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

#include <ATen/ops/linalg_svdvals.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "support/tolerances.h"

namespace sscvae::train {
namespace {

at::Tensor parameter(at::IntArrayRef shape) { return torch::randn(shape, at::kDouble).requires_grad_(true); }

TEST(Orthogonalize, MakesAllSingularValuesAboutOne) {
  torch::manual_seed(1);
  for (const auto& [rows, columns] : {std::pair{8, 40}, {40, 8}, {16, 16}}) {
    const at::Tensor matrix = torch::randn({rows, columns}, at::kDouble) * 1e-3;
    const at::Tensor values = at::linalg_svdvals(orthogonalize(matrix));
    if (rows != columns) {  // a square one has singular values near 0, which five iterations do not lift so far
      EXPECT_GT(values.min().item<double>(), 0.65);
    }
    EXPECT_LT(values.max().item<double>(), 1.25);
  }
}

TEST(Orthogonalize, KeepsTheSingularVectors) {
  torch::manual_seed(2);
  const at::Tensor matrix = torch::randn({6, 10}, at::kDouble), found = orthogonalize(matrix);
  // The exact orthogonal factor (M M^T)^(-1/2) M: M^T times it is symmetric, and so must be M^T times ours.
  const at::Tensor product = at::mm(matrix.t(), found);
  EXPECT_TRUE(testing::is_close(product, product.t(), 1e-9));
  EXPECT_GT(at::linalg_svdvals(found).min().item<double>(), 0.65);
  EXPECT_EQ(orthogonalize(at::zeros({4, 5})).abs().max().item<double>(), 0);
}

TEST(Orthogonalize, InBfloat16IsNear) {
  torch::manual_seed(3);
  const at::Tensor matrix = torch::randn({24, 90});
  const at::Tensor near = orthogonalize(matrix.to(at::kBFloat16)).to(at::kFloat);
  EXPECT_LT((near - orthogonalize(matrix)).norm().item<double>(), 0.05 * std::sqrt(24));
}

TEST(Muon, IsForFiltersOnly) {
  EXPECT_TRUE(is_orthogonal({"_blocks.0.conv1.weight", at::zeros({8, 8, 3, 3})}));
  EXPECT_TRUE(is_orthogonal({"_head.weight", at::zeros({8, 4, 1, 1})}));
  EXPECT_FALSE(is_orthogonal({"_blocks.0.conv1.bias", at::zeros({8})}));
  EXPECT_FALSE(is_orthogonal({"_noise.weight", at::zeros({8, 1, 1, 1})}));
  EXPECT_FALSE(is_orthogonal({"_SpatialAtt._conv.weight", at::zeros({1, 2, 3, 3})}));
  EXPECT_FALSE(is_orthogonal({"_A0", at::zeros({100, 4, 5, 5})}));
  EXPECT_FALSE(is_orthogonal({"_linear.weight", at::zeros({8, 8})}));
}

TEST(Muon, StepsDictionariesAtomByAtom) {
  torch::manual_seed(6);
  const at::Tensor analysis = parameter({12, 2, 2, 2}), synthesis = parameter({2, 12, 2, 2});
  MuonOptions options{20, 0.9, 0.5, false};
  options.atom_axes = {{"_A0", 0}, {"_B1", 1}};
  options.dictionary_ratio = 3;
  for (const bool together : {false, true}) {
    Muon muon({{"_A0", analysis}, {"_B1", synthesis}}, options, {});
    const at::Tensor before_a = analysis.detach().clone(), before_b = synthesis.detach().clone();
    analysis.mutable_grad() = torch::randn({12, 2, 2, 2}, at::kDouble);
    synthesis.mutable_grad() = analysis.grad().transpose(0, 1).contiguous();
    if (together) muon.step_together(1e-3);
    else muon.step(1e-3);
    const at::Tensor step_a = before_a - analysis.detach(), step_b = before_b - synthesis.detach();
    EXPECT_TRUE(testing::is_close(step_b.transpose(0, 1), step_a, 1e-10));
    const at::Tensor expected = orthogonalize((0.19 * analysis.grad()).permute({0, 2, 3, 1}).reshape({12, 8}));
    EXPECT_TRUE(
        testing::is_close(step_a.permute({0, 2, 3, 1}).reshape({12, 8}), 3e-3 * std::sqrt(12.0 / 8) * expected, 1e-9));
  }
}

TEST(Muon, FollowsItsFormulas) {
  torch::manual_seed(4);
  const at::Tensor filters = parameter({12, 2, 2, 2}), bias = parameter({12}), adams = parameter({12});
  adams.detach().copy_(bias.detach());
  const AdamOptions adam_options{0.9, 0.99, 1e-8, 0.1};
  Muon muon({{"c.weight", filters}, {"c.bias", bias}}, {20, 0.9, 0.1, false}, adam_options);
  Adam adam({{"c.bias", adams}}, adam_options);
  at::Tensor expected = filters.detach().clone(), average = at::zeros_like(expected);
  for (int step = 0; step < 3; ++step) {
    filters.mutable_grad() = torch::randn({12, 2, 2, 2}, at::kDouble);
    bias.mutable_grad() = torch::randn({12}, at::kDouble);
    adams.mutable_grad() = bias.grad().clone();
    const at::Tensor g = filters.grad();
    average = 0.9 * average + 0.1 * g;
    const at::Tensor direction = orthogonalize((0.9 * average + 0.1 * g).permute({0, 2, 3, 1}).reshape({12, 8}))
                                     .view({12, 2, 2, 2})
                                     .permute({0, 3, 1, 2});
    expected = expected * (1 - 0.02 * 0.1) - 0.02 * std::sqrt(12.0 / 8) * direction;
    muon.step(1e-3);
    adam.step(1e-3);
  }
  EXPECT_TRUE(testing::is_close(filters.detach(), expected, 1e-12));
  EXPECT_TRUE(at::equal(bias, adams));
  EXPECT_EQ(muon.steps(), 3);
}

TEST(Muon, MemoryLayoutDoesNotMatterAndMissingGradientsAreLeftOut) {
  torch::manual_seed(5);
  const at::Tensor plain = parameter({6, 4, 3, 3}), idle = parameter({6, 4, 3, 3}), before = idle.detach().clone();
  const at::Tensor last = plain.detach().contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
  Muon first({{"c.weight", plain}, {"d.weight", idle}}, {}, {}), second({{"c.weight", last}}, {}, {});
  for (int step = 0; step < 2; ++step) {
    plain.mutable_grad() = torch::randn({6, 4, 3, 3}, at::kDouble);
    last.mutable_grad() = plain.grad().contiguous(at::MemoryFormat::ChannelsLast);
    first.step(0.02);
    second.step(0.02);
  }
  EXPECT_TRUE(testing::is_close(last.detach(), plain.detach(), 1e-12));
  EXPECT_TRUE(at::equal(idle, before));
}

TEST(Orthogonalize, OfManyIsThatOfEach) {
  torch::manual_seed(8);
  for (const auto& [rows, columns] : {std::pair{6, 20}, {20, 6}}) {
    const at::Tensor matrices = torch::randn({3, rows, columns}, at::kDouble), together = orthogonalize_each(matrices);
    for (int64_t i = 0; i < 3; ++i) EXPECT_TRUE(testing::is_close(together[i], orthogonalize(matrices[i]), 1e-12));
  }
}

TEST(Muon, AllFiltersTogetherTakeTheSameSteps) {
  torch::manual_seed(9);
  std::vector<NamedParameter> one, all;
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{6, 4, 3, 3}, {6, 4, 3, 3}, {16, 8, 1, 1}, {6, 4, 3, 3}, {5, 5, 3, 3}}) {
    const at::Tensor filters = torch::randn(shape).contiguous(at::MemoryFormat::ChannelsLast);
    const std::string name = std::to_string(one.size()) + ".weight";
    one.emplace_back(name, filters.clone().requires_grad_(true));
    all.emplace_back(name, filters.clone().requires_grad_(true));
  }
  const MuonOptions options{20, 0.9, 0.1, false};
  Muon singly(one, options, {}), together(all, options, {});
  for (int step = 0; step < 5; ++step) {
    for (size_t i = 0; i + 1 < one.size(); ++i) {  // the last one has no gradient
      one[i].second.mutable_grad() = torch::randn(one[i].second.sizes());
      all[i].second.mutable_grad() = one[i].second.grad().clone();
    }
    singly.step(1e-3);
    together.step_together(1e-3);
  }
  const serialization::StateDict momenta = together.state();
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_TRUE(testing::is_close(all[i].second.detach(), one[i].second.detach(), 1e-5)) << i;
  for (const auto& [name, momentum] : singly.state())
    EXPECT_TRUE(testing::is_close(momenta.at(name), momentum, 1e-6)) << name;
}

TEST(Muon, StateGoesOutAndComesBack) {
  torch::manual_seed(6);
  const at::Tensor filters = parameter({6, 4, 3, 3}), bias = parameter({6});
  Muon first({{"c.weight", filters}, {"c.bias", bias}}, {}, {});
  const auto advance = [](Muon& muon, int64_t seed) {
    torch::manual_seed(static_cast<uint64_t>(seed));
    for (const auto& [name, p] : muon.parameters()) at::Tensor(p).mutable_grad() = torch::randn_like(p);
    muon.step(0.01);
  };
  advance(first, 1);
  EXPECT_EQ(first.state().names(),
            (std::vector<std::string>{"exp_avg.c.bias", "exp_avg_sq.c.bias", "momentum.c.weight"}));
  const at::Tensor other_filters = filters.detach().clone().requires_grad_(true),
                   other_bias = bias.detach().clone().requires_grad_(true);
  Muon second({{"c.weight", other_filters}, {"c.bias", other_bias}}, {}, {});
  second.load_state(first.state(), first.steps(), "test");
  advance(first, 2);
  advance(second, 2);
  EXPECT_TRUE(at::equal(filters, other_filters));
  EXPECT_TRUE(at::equal(bias, other_bias));
  Adam adam({{"c.weight", filters}, {"c.bias", bias}}, {});
  EXPECT_THROW(adam.load_state(first.state(), 1, "test"), FormatError);
}

}  // namespace
}  // namespace sscvae::train
