#include "sscvae/nn/patch_coding.h"

#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"
#include "support/gradient_check.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

at::Tensor random_leaf(at::IntArrayRef sizes, at::ScalarType type) {
  return torch::randn(sizes, at::kFloat).to(type).requires_grad_(true);
}

class PatchCoding : public ::testing::TestWithParam<int64_t> {
 protected:
  static constexpr int64_t kChannels = 4, kAtoms = 10;
};

/// <A x, z> = <x, B z> with B = A transposed and flipped, by LibTorch's convolutions and by our products.
TEST_P(PatchCoding, SynthesisIsTheTransposeOfAnalysis) {
  torch::manual_seed(2);
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    const at::Tensor x = torch::randn({2, kChannels, 9, 7}, type), z = torch::randn({2, kAtoms, 9, 7}, type);
    const at::Tensor filters = torch::randn({kAtoms, kChannels, GetParam(), GetParam()}, type);
    const double one = (analyse(x, filters) * z).sum().item<double>();
    const double other = (x * synthesise(z, filters.transpose(0, 1).flip({2, 3}))).sum().item<double>();
    EXPECT_NEAR(one, other, (type == at::kDouble ? 1e-10 : 1e-3) * (1 + std::abs(one)));
  }
}

TEST_P(PatchCoding, ProductsEqualConvolutionsForwardsAndBackwards) {
  const int64_t k = GetParam();
  std::vector<std::vector<at::Tensor>> results;
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    torch::manual_seed(3);
    const at::Tensor x = random_leaf({2, kChannels, 9, 7}, type), previous = random_leaf({2, kAtoms, 9, 7}, type);
    const at::Tensor a = random_leaf({kAtoms, kChannels, k, k}, type), b = random_leaf({kChannels, kAtoms, k, k}, type);
    const at::Tensor code = analyse(x, a, previous), drawn = synthesise(code, b);
    const at::Tensor first = analyse(x, a);
    const at::Tensor sum = drawn.square().sum() + (first * previous.detach()).sum();
    std::vector<at::Tensor> found = torch::autograd::grad({sum}, {x, previous, a, b});
    found.insert(found.begin(), {code, drawn, first});
    results.push_back(found);
  }
  for (size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(testing::is_close(results[1][i], results[0][i], 1e-5)) << i;
}

INSTANTIATE_TEST_SUITE_P(, PatchCoding, ::testing::Values(1, 2, 3, 4, 5));

}  // namespace
}  // namespace sscvae::nn
