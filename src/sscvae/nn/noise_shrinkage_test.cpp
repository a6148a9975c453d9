#include "sscvae/nn/noise_shrinkage.h"

#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"
#include "support/gradient_check.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

/// Leaves of one problem: step, floor, slope, and a map that is factors or pooled energy; own shares.
struct ShrinkageProblem {
  explicit ShrinkageProblem(at::ScalarType type) {
    torch::manual_seed(11);
    step = leaf(torch::randn({2, 24, 19, 17}, type));
    floor = leaf(at::rand({24}, type) * 0.1);
    slope = leaf(at::rand({24}, type));
    map = leaf(at::rand({2, 24, 19, 17}, type) + 0.2);
    own = leaf(at::rand({24}, type) + 0.3);
    sigma = at::rand({2, 1, 1, 1}, type) + 0.2;
  }
  static at::Tensor leaf(const at::Tensor& value) { return value.detach().requires_grad_(true); }
  ThresholdLine line() const { return {floor, slope, sigma}; }
  at::Tensor step, floor, slope, map, own, sigma;
};

enum class Kind { kPlain, kFactors, kGroup };

at::Tensor shrink(const ShrinkageProblem& p, Kind kind) {
  if (kind == Kind::kGroup) return shrink_by_group(p.step, p.line(), p.own, p.map);
  return shrink_by_noise(p.step, p.line(), kind == Kind::kFactors ? p.map : at::Tensor());
}

std::vector<at::Tensor> leaves(const ShrinkageProblem& p, Kind kind) {
  std::vector<at::Tensor> all{p.step, p.floor, p.slope};
  if (kind != Kind::kPlain) all.push_back(p.map);
  if (kind == Kind::kGroup) all.push_back(p.own);
  return all;
}

class NoiseShrinkageOf : public ::testing::TestWithParam<Kind> {};

/// LibTorch's operations in float64 against our kernels in float32, forwards and backwards.
TEST_P(NoiseShrinkageOf, KernelsEqualPlainOperations) {
  const ShrinkageProblem plain(at::kDouble), ours(at::kFloat);
  {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < leaves(plain, GetParam()).size(); ++i)
      leaves(plain, GetParam())[i].copy_(leaves(ours, GetParam())[i]);
    plain.sigma.copy_(ours.sigma);
  }
  const at::Tensor weights = torch::randn(plain.step.sizes());
  const at::Tensor expected = shrink(plain, GetParam()), found = shrink(ours, GetParam());
  EXPECT_TRUE(testing::is_close(found, expected, 1e-5));
  const auto wanted = torch::autograd::grad({(expected * weights).sum()}, leaves(plain, GetParam()));
  const auto got = torch::autograd::grad({(found * weights).sum()}, leaves(ours, GetParam()));
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(testing::is_close_but_for_kinks(got[i], wanted[i], {1e-4, 0.01, 1e-3})) << i;
}

TEST_P(NoiseShrinkageOf, PlainOperationsHaveRightGradients) {
  const ShrinkageProblem p(at::kDouble);
  const at::Tensor weights = torch::randn(p.step.sizes(), at::kDouble);
  EXPECT_TRUE(
      testing::gradients_match([&] { return (shrink(p, GetParam()) * weights).sum(); }, leaves(p, GetParam()), 1e-5));
}

INSTANTIATE_TEST_SUITE_P(, NoiseShrinkageOf, ::testing::Values(Kind::kPlain, Kind::kFactors, Kind::kGroup));

TEST(NoiseShrinkage, AGroupOfOneIsSeparate) {
  const ShrinkageProblem p(at::kDouble);
  const at::Tensor grouped = shrink_by_group(p.step, p.line(), at::ones({24}, at::kDouble), at::zeros_like(p.map));
  EXPECT_TRUE(testing::is_close(grouped, shrink_by_noise(p.step, p.line()), 1e-6));
}

TEST(NoiseShrinkage, ThreadsChangeNothing) {
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    const ShrinkageProblem p(at::kFloat);
    results.push_back(torch::autograd::grad({shrink(p, Kind::kGroup).square().sum()}, leaves(p, Kind::kGroup)));
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << i;
}

}  // namespace
}  // namespace sscvae::nn
