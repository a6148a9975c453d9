#include "sscvae/metrics/code_rate.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::metrics {
namespace {

/// One image, two atoms, a row of positions.
at::Tensor image(const std::vector<int64_t>& first, const std::vector<int64_t>& second) {
  return at::stack({torch::tensor(first), torch::tensor(second)}).reshape({1, 2, 1, -1});
}

TEST(SymbolCounts, BitsAreTheEntropyOfEachAtom) {
  SymbolCounts counts;
  counts.add(image({0, 0, 0, 5}, {-1, 1, 2, 0}));
  const double quarter = 0.25 * 2 + 0.75 * std::log2(4.0 / 3);
  EXPECT_NEAR(counts.bits(counts), 4 * quarter + 4 * 2, 1e-9);
}

TEST(SymbolCounts, ImagesSharesOfTheWholeAddUp) {
  SymbolCounts one, other, all;
  one.add(image({0, 0, 0, 7}, {3, 3, 3, 3}));
  other.add(image({-7, 0}, {3, 0}));
  all.add(one);
  all.add(other);
  EXPECT_NEAR(all.bits(one) + all.bits(other), all.bits(all), 1e-9);
  // Of six entries of the first atom four are 0, one is 7; of the second five are 3.
  EXPECT_NEAR(all.bits(one), 3 * std::log2(6.0 / 4) + std::log2(6.0) + 4 * std::log2(6.0 / 5), 1e-9);
}

TEST(SymbolCounts, TheSameSymbolOfTwoAtomsIsNotOne) {
  SymbolCounts counts;
  counts.add(image({-1, -1}, {1, 1}));
  EXPECT_EQ(counts.bits(counts), 0);
  counts.add(image({1, 1}, {1, 1}));
  EXPECT_NEAR(counts.bits(counts), 4, 1e-9);
}

TEST(SymbolCounts, OnlyWholeNumbersOfAsManyAtoms) {
  SymbolCounts counts;
  EXPECT_TRUE(counts.empty());
  EXPECT_THROW(counts.add(torch::zeros({1, 2, 1, 1})), ShapeError);
  counts.add(image({0}, {0}));
  EXPECT_THROW(counts.add(torch::zeros({1, 3, 1, 1}, at::kLong)), ShapeError);
  EXPECT_THROW(counts.add(torch::full({1, 2, 1, 1}, int64_t{1} << 40, at::kLong)), ShapeError);
}

}  // namespace
}  // namespace sscvae::metrics
