#include "sscvae/nn/dictionary.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

at::Generator generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

TEST(Dictionary, AtomsHaveUnitLength) {
  for (const auto kind : {DictionaryInit::kReferenceDct, DictionaryInit::kOvercompleteDct, DictionaryInit::kRandom}) {
    const at::Tensor dictionary = initial_dictionary(kind, 16, 24, generator(1));
    EXPECT_EQ(dictionary.sizes(), at::IntArrayRef({16, 24}));
    EXPECT_LT((dictionary.norm(2, {0}) - 1).abs().max().item<double>(), 1e-5);
  }
}

TEST(Dictionary, RandomAtomsFollowTheSeed) {
  const auto draw = [](uint64_t seed) { return initial_dictionary(DictionaryInit::kRandom, 8, 8, generator(seed)); };
  EXPECT_TRUE(at::equal(draw(5), draw(5)));
  EXPECT_FALSE(at::equal(draw(5), draw(6)));
}

TEST(Dictionary, ReferenceCosinesComeInOppositePairs) {
  const at::Tensor dictionary = initial_dictionary(DictionaryInit::kReferenceDct, 16, 24, generator(1));
  for (const int64_t k : {9, 12, 15})
    EXPECT_LT((dictionary.select(1, 32 - k) + dictionary.select(1, k)).abs().max().item<double>(), 1e-5);
  EXPECT_EQ(dictionary.stride(0), 1);  // the layout of the authors' files
}

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

/// sum over j of v[j] cos(0.01 j), atoms one after another.
double weighted_checksum(const at::Tensor& dictionary) {
  const at::Tensor flat = dictionary.to(at::kDouble).t().contiguous().flatten();
  return (flat * (torch::arange(flat.numel(), at::kDouble) * 0.01).cos()).sum().item<double>();
}

TEST(Dictionary, Parity) {
  const auto file = serialization::read_safetensors(testing::parity_folder() / "blocks/dct.safetensors").tensors;
  const auto without_noise_atom = [](const at::Tensor& table, int64_t atom) {
    return torch::cat({table.slice(1, 0, atom), table.slice(1, atom + 1)}, 1);
  };
  const at::Tensor small = initial_dictionary(DictionaryInit::kReferenceDct, 16, 24, generator(1));
  EXPECT_TRUE(
      testing::is_close(without_noise_atom(small, 16), without_noise_atom(file.at("reference_float32"), 16), 1e-5));
  EXPECT_TRUE(
      testing::is_close(overcomplete_dct_1d(16, 24), file.at("overcomplete_1d_float64"), testing::kBlock.float64));
  EXPECT_TRUE(
      testing::is_close(overcomplete_dct_2d(16, 24), file.at("overcomplete_2d_kron_float64"), testing::kBlock.float64));
  // Figures of the paper's size, recorded in expected.json.
  const at::Tensor large = initial_dictionary(DictionaryInit::kReferenceDct, 256, 512, generator(1));
  EXPECT_NEAR(weighted_checksum(without_noise_atom(large, 256)), -8.603228264505724, 1e-2);
  EXPECT_NEAR(large.to(at::kDouble).square().sum().item<double>(), 512.0, 1e-3);
  const at::Tensor overcomplete = overcomplete_dct_2d(256, 512);
  EXPECT_NEAR(weighted_checksum(overcomplete), 1.9079351374200657, 1e-9);
  EXPECT_NEAR(largest_eigenvalue(overcomplete).item<double>(), 7.417240881680705, 1e-9);
}

}  // namespace
}  // namespace sscvae::nn
