#include "sscvae/metrics/code_usage.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::metrics {
namespace {

TEST(CodeUsage, CountsWhatOccurs) {
  CodeUsage usage(8);
  EXPECT_TRUE(std::isnan(usage.used_share()));
  EXPECT_TRUE(std::isnan(usage.perplexity()));
  usage.add(torch::tensor({0, 0, 3, 3}, at::kLong).reshape({1, 2, 2}));
  EXPECT_EQ(usage.used(), 2);
  EXPECT_DOUBLE_EQ(usage.used_share(), 0.25);
  EXPECT_NEAR(usage.perplexity(), 2, 1e-12);
  CodeUsage other(8);
  other.add(torch::arange(8, at::kLong));
  other.add(usage);
  EXPECT_EQ(other.used(), 8);
  EXPECT_EQ(other.positions(), 12);
  const double rare = 1.0 / 12, often = 3.0 / 12;
  EXPECT_NEAR(other.perplexity(), std::exp(-(6 * rare * std::log(rare) + 2 * often * std::log(often))), 1e-12);
}

TEST(CodeUsage, OneCodeAloneHasPerplexityOne) {
  CodeUsage usage(512);
  usage.add(torch::full({3, 4, 4}, 7, at::kLong));
  EXPECT_DOUBLE_EQ(usage.perplexity(), 1);
  EXPECT_DOUBLE_EQ(usage.used_share(), 1.0 / 512);
}

TEST(CodeUsage, RefusesWhatIsNoCodeNumber) {
  CodeUsage usage(4);
  EXPECT_THROW(usage.add(torch::full({1}, 4, at::kLong)), ShapeError);
  EXPECT_THROW(usage.add(torch::full({1}, -1, at::kLong)), ShapeError);
  EXPECT_THROW(usage.add(torch::rand({2})), ShapeError);
}

}  // namespace
}  // namespace sscvae::metrics
