#include "sscvae/runtime/code_meter.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sscvae::runtime {
namespace {

TEST(CodeMeter, HandCountedCode) {
  graph::PassValues result;
  // Four atoms, three positions: one atom alone, all equal, nothing.
  result.code = Array::zeros({1, 4, 1, 3});
  result.code.select(1, 1).select(2, 0).fill_(-2);
  result.code.select(3, 1).fill_(0.5);
  result.threshold = Array::ones({1, 4, 1, 3});
  result.threshold.select(1, 0).select(2, 0).fill_(-0.1);
  result.features = Array::ones({1, 2, 1, 3});
  result.coded_features = Array::full({1, 2, 1, 3}, 0.5);
  CodeMeter meter;
  EXPECT_TRUE(meter.empty());
  meter.add(result);
  meter.add(meter);
  const CodeStatistics value = meter.value();
  EXPECT_EQ(value.positions, 6);
  EXPECT_DOUBLE_EQ(value.nnz, 5.0 / 3);
  EXPECT_DOUBLE_EQ(value.zero_fraction, 7.0 / 12);
  EXPECT_NEAR(value.hoyer, (1 + 0 + 1) / 3.0, 1e-6);  // nothing counts as sparse
  EXPECT_NEAR(value.fit_error, 0.25, 1e-7);
  EXPECT_DOUBLE_EQ(value.negative_threshold_share, 1.0 / 12);
  EXPECT_DOUBLE_EQ(value.all_zero_share, 1.0 / 3);
}

TEST(CodeMeter, DiscreteCodesHaveUsageInPlaceOfSparsity) {
  graph::PassValues result;
  result.indices = Array::zeros({1, 2, 2}, kInt64);
  result.indices.select(1, 1).select(1, 1).fill_(3);
  result.features = Array::ones({1, 2, 2, 2});
  result.code = result.coded_features = Array::full({1, 2, 2, 2}, 0.5);
  CodeMeter meter(8);
  meter.add(result);
  CodeMeter sum(8);
  sum.add(meter);
  const CodeStatistics value = sum.value();
  EXPECT_EQ(value.kind, CodeKind::kDiscrete);
  EXPECT_EQ(value.positions, 4);
  EXPECT_DOUBLE_EQ(value.codes_used, 0.25);
  EXPECT_NEAR(value.perplexity, std::exp(-(0.75 * std::log(0.75) + 0.25 * std::log(0.25))), 1e-12);
  EXPECT_NEAR(value.fit_error, 0.25, 1e-7);
  const auto figures = figures_of(value);
  EXPECT_FALSE(figures.contains("nnz") || figures.contains("hoyer"));
}

TEST(CodeMeter, GaussianCodesHaveTheirDivergenceInBits) {
  graph::PassValues result;
  result.mean = result.code = Array::full({1, 3, 2, 2}, 2.0);  // of variance 1: 2 nats for each of 3 channels
  result.log_variance = Array::zeros({1, 3, 2, 2});
  CodeMeter meter, sum;
  meter.add(result);
  sum.add(meter);
  EXPECT_EQ(sum.value().kind, CodeKind::kGaussian);
  EXPECT_EQ(sum.value().positions, 4);
  EXPECT_NEAR(sum.value().kl_bits, 3 * 2 / std::log(2.0), 1e-9);
  EXPECT_EQ(figures_of(sum.value()).size(), 1U);
}

TEST(CodeMeter, CodesOfAnotherKindHaveNoFigures) {
  graph::PassValues result;
  result.code = result.features = Array::ones({1, 2, 2, 2});
  CodeMeter meter;
  meter.add(result);
  EXPECT_TRUE(meter.empty());
  EXPECT_TRUE(figures_of(meter.value()).empty());
}

}  // namespace
}  // namespace sscvae::runtime
