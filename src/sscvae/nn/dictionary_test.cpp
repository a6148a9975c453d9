#include "sscvae/nn/dictionary.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/networks/dictionary.h"
#include "sscvae/nn/arrays.h"
#include "support/gradient_check.h"

namespace sscvae::nn {
namespace {

TEST(Dictionary, LargestEigenvalueIsThatOfTheGramMatrix) {
  torch::manual_seed(2);
  for (const auto& [rows, columns] : {std::pair{4, 9}, {9, 4}, {1, 3}, {3, 1}}) {
    const at::Tensor dictionary = torch::randn({rows, columns}, at::kDouble);
    const at::Tensor values = torch::linalg_eigvalsh(dictionary.t().mm(dictionary));
    EXPECT_NEAR(largest_eigenvalue(dictionary).item<double>(), values.max().item<double>(), 1e-10);
  }
}

TEST(Dictionary, WhatIsNotFiniteHasNoEigenvalue) {
  const at::Tensor dictionary = torch::full({3, 5}, std::nan(""));
  EXPECT_TRUE(std::isnan(largest_eigenvalue(dictionary).item<double>()));
}

TEST(Dictionary, SquaringFindsTheTopDirection) {
  torch::manual_seed(7);
  const at::Tensor random = torch::randn({12, 30}, at::kDouble);
  const at::Tensor spread = torch::linspace(0.1, 1, 12, at::kDouble).diag();
  at::Tensor close = torch::ones({12}, at::kDouble);
  close[5] = 1 + 1e-9;
  for (const at::Tensor& gram : {random.mm(random.t()), spread, close.diag(), torch::eye(12, at::kDouble)}) {
    const at::Tensor direction = top_direction(gram), unit = direction / direction.norm();
    const double largest = torch::linalg_eigvalsh(gram).max().item<double>();
    EXPECT_NEAR(unit.dot(gram.mv(unit)).item<double>() / largest, 1, 3e-6);
  }
  const at::Tensor top = top_direction(random.mm(random.t()));
  const at::Tensor exact = std::get<1>(torch::linalg_eigh(random.mm(random.t()))).select(1, 11);
  EXPECT_NEAR((top.dot(exact).abs() / top.norm()).item<double>(), 1, 1e-12);
}

TEST(Dictionary, GradientsMatchDifferences) {
  torch::manual_seed(2);
  const at::Tensor dictionary = torch::randn({4, 6}, at::kDouble).requires_grad_();
  EXPECT_TRUE(testing::gradients_match([&] { return largest_eigenvalue(dictionary); }, {dictionary}));
  EXPECT_TRUE(testing::gradients_match([&] { return largest_eigenvalue(normalize_atoms(dictionary)); }, {dictionary}));
}

/// A figure of the paper's size, recorded in expected.json of the parity data.
TEST(Dictionary, LargestEigenvalueOfOvercompleteCosines) {
  const at::Tensor overcomplete = networks::overcomplete_dct_2d(256, 512);
  EXPECT_NEAR(largest_eigenvalue(overcomplete).item<double>(), 7.417240881680705, 1e-9);
}

}  // namespace
}  // namespace sscvae::nn
