#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sscvae/array/elementwise.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/metrics/features.h"
#include "sscvae/metrics/frechet.h"
#include "sscvae/metrics/kernel_distance.h"
#include "sscvae/metrics/set_metrics.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/paths.h"

namespace sscvae::metrics {
namespace {

constexpr double kFrechet = 1e-8, kFrechetSingular = 1e-6;  ///< relative
constexpr double kKernel = 1e-10;                           ///< relative to the larger of the value and 1

at::Tensor normal_rows(uint64_t seed, int64_t rows, int64_t columns) {
  Random random(seed);
  at::Tensor tensor = at::zeros({rows, columns}, at::kDouble);
  for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data_ptr<double>()[i] = random.normal();
  return tensor;
}

TEST(SetDistances, PublishedValues) {
  const auto folder = testing::parity_folder() / "fid";
  const auto features = serialization::read_safetensors(folder / "features.safetensors").tensors;
  const auto expected = nlohmann::json::parse(read_file(folder / "expected.json"));
  int64_t cases = 0;
  for (const auto& [name, row] : expected["cases"].items()) {
    SCOPED_TRACE(name);
    const size_t bar = name.find('|');
    const Array &a = features.at(name.substr(0, bar)), &b = features.at(name.substr(bar + 1));
    const double exact = row["frechet_exact"];
    const bool singular = a.size(0) <= a.size(1) || b.size(0) <= b.size(1);
    EXPECT_NEAR(frechet_distance(a, b), exact, exact * (singular ? kFrechetSingular : kFrechet));
    EXPECT_NEAR(frechet_distance(b, a), exact, exact * (singular ? kFrechetSingular : kFrechet));
    EXPECT_NEAR(kernel_distance(a, b), row["kid_unbiased"], kKernel);
    EXPECT_NEAR(kernel_distance(a, b, false), row["kid_biased"], kKernel);
    ++cases;
  }
  EXPECT_EQ(cases, 4);
}

TEST(Frechet, ShiftedAndScaledCloudsByHand) {
  const at::Tensor a = normal_rows(1, 60, 5);
  at::Tensor moved = a.clone();
  moved.select(1, 2).add_(3);
  EXPECT_NEAR(frechet_distance(a, a), 0, 1e-12);
  EXPECT_NEAR(frechet_distance(a, moved), 9, 1e-10);
  // Scaling about the mean by s: the deviations scale, d^2 = (s - 1)^2 tr C.
  const at::Tensor centred = a - a.mean(0);
  const double trace = centred.square().sum().item<double>() / 59;
  EXPECT_NEAR(frechet_distance(a, a.mean(0) + 1.5 * centred), 0.25 * trace, 1e-10);
}

TEST(Frechet, FewerSamplesThanDimensions) {
  const at::Tensor a = normal_rows(2, 6, 40);
  at::Tensor moved = a.clone();
  moved.select(1, 0).add_(2);
  EXPECT_NEAR(frechet_distance(a, a), 0, 1e-11) << "no noise of square roots of rounding errors";
  EXPECT_NEAR(frechet_distance(a, moved), 4, 1e-10);
}

TEST(Frechet, RefusesWhatIsNoPairOfFeatureSets) {
  const at::Tensor a = normal_rows(3, 4, 3);
  EXPECT_THROW(frechet_distance(a, a.narrow(0, 0, 1)), ShapeError);
  EXPECT_THROW(frechet_distance(a, a.narrow(1, 0, 2)), ShapeError);
  EXPECT_THROW(frechet_distance(a[0], a), ShapeError);
  EXPECT_THROW(kernel_distance(at::Tensor(), a), ShapeError);
  at::Tensor broken = a.clone();
  broken[1][1] = NAN;
  EXPECT_TRUE(std::isnan(frechet_distance(a, broken)));
}

TEST(KernelDistanceTest, EqualsItsDefinitionWrittenSlowly) {
  const at::Tensor a = normal_rows(4, 5, 3), b = normal_rows(5, 4, 3) + 0.5;
  const auto mean_kernel = [](const at::Tensor& x, const at::Tensor& y, bool skip_equal) {
    double sum = 0;
    int64_t pairs = 0;
    for (int64_t i = 0; i < x.size(0); ++i)
      for (int64_t j = 0; j < y.size(0); ++j) {
        if (skip_equal && i == j) continue;
        sum += std::pow((x[i] * y[j]).sum().item<double>() / 3 + 1, 3);
        ++pairs;
      }
    return sum / static_cast<double>(pairs);
  };
  const double between = 2 * mean_kernel(a, b, false);
  EXPECT_NEAR(kernel_distance(a, b), mean_kernel(a, a, true) + mean_kernel(b, b, true) - between, 1e-12);
  EXPECT_NEAR(kernel_distance(a, b, false), mean_kernel(a, a, false) + mean_kernel(b, b, false) - between, 1e-12);
  EXPECT_NEAR(kernel_distance(a, a, false), 0, 1e-12);
}

TEST(KernelDistanceTest, BlocksDoNotChangeTheSum) {
  const at::Tensor a = normal_rows(6, 1100, 2), b = normal_rows(7, 1030, 2);
  const auto cube = [](const at::Tensor& x, const at::Tensor& y) {
    return (x.matmul(y.t()) / 2 + 1).pow(3).mean().item<double>();
  };
  EXPECT_NEAR(kernel_distance(a, b, false), cube(a, a) + cube(b, b) - 2 * cube(a, b), 1e-11);
}

TEST(KernelDistanceTest, StandardErrorOverDisjointSubsets) {
  const at::Tensor a = normal_rows(8, 400, 4), b = normal_rows(9, 300, 4) + 0.5;
  const KernelDistance distance = kernel_distance_with_error(a, b);
  EXPECT_EQ(distance.subsets, 10);
  EXPECT_EQ(distance.value, kernel_distance(a, b));
  EXPECT_GT(distance.standard_error, 0);
  EXPECT_LT(distance.standard_error, distance.value) << "two clouds that far apart are told apart";
  EXPECT_EQ(kernel_distance_with_error(a, b).standard_error, distance.standard_error) << "deterministic";
  EXPECT_NE(kernel_distance_with_error(a, b, {10, 2}).standard_error, distance.standard_error) << "the seed counts";
  const KernelDistance few = kernel_distance_with_error(a.narrow(0, 0, 3), b);
  EXPECT_EQ(few.subsets, 1);
  EXPECT_TRUE(std::isnan(few.standard_error));
  EXPECT_THROW(kernel_distance_with_error(a, b, {0, 1}), UsageError);
}

FeatureCloud cloud_of(const at::Tensor& rows, int64_t piece) {
  FeatureCloud cloud;
  for (int64_t i = 0; i < rows.size(0); i += piece) cloud.add(rows.narrow(0, i, std::min(piece, rows.size(0) - i)));
  return cloud;
}

TEST(RunningMoments, EqualThoseOfAllRowsAtOnceInBoundedMemory) {
  // Far from 0, where a sum of squares would lose the digits of the covariance.
  const at::Tensor rows = normal_rows(13, 100000, 8) * at::arange(1, 9) + 1e6, centred = rows - rows.mean(0);
  Moments moments;
  for (int64_t i = 0; i < rows.size(0); i += 16) {
    moments.add(rows.narrow(0, i, 16));
    if (i % 160 == 0) {
      EXPECT_LE(moments.factor().size(0), 3 * 256);
    }
  }
  EXPECT_EQ(moments.count(), 100000);
  const at::Tensor mean = moments.mean(), factor = moments.factor();
  EXPECT_LT((mean - rows.mean(0)).abs().max().item<double>(), 1e-8);
  const at::Tensor expected = centred.t().matmul(centred), actual = factor.t().matmul(factor);
  EXPECT_LT(((actual - expected).abs().max() / expected.abs().max()).item<double>(), 1e-10);
}

TEST(RunningMoments, OfFewRowsGiveTheSameDistance) {
  const at::Tensor a = normal_rows(14, 30, 40), b = normal_rows(15, 170, 40) + 0.3;
  const double expected = frechet_distance(a, b);
  for (const int64_t piece : {1, 7, 200})
    EXPECT_NEAR(frechet_distance(cloud_of(a, piece).moments(), cloud_of(b, piece).moments()), expected, 1e-9) << piece;
  Moments one;
  one.add(a.narrow(0, 0, 1));
  EXPECT_THROW(frechet_distance(one, one), ShapeError);
  EXPECT_THROW(one.add(b.narrow(1, 0, 3)), ShapeError);
}

TEST(FeatureClouds, OfAHundredThousandKeepAFairShare) {
  at::Tensor rows = at::arange(100000).to(at::kFloat).unsqueeze(1).repeat({1, 2});
  const FeatureCloud cloud = cloud_of(rows, 64);
  EXPECT_EQ(cloud.count(), 100000);
  const at::Tensor kept = cloud.kept();
  ASSERT_EQ(kept.sizes(), at::IntArrayRef({FeatureCloud::kMostKept, 2}));
  // Uniform numbers: mean and variance of the sample within 5 standard errors.
  EXPECT_NEAR(kept.mean().item<double>(), 5e4, 5 * 1e5 / std::sqrt(12.0 * 1e4));
  EXPECT_NEAR(kept.select(1, 0).var().item<double>() / (1e10 / 12), 1, 0.05);
  EXPECT_TRUE(sscvae::equal(kept, cloud_of(rows, 7).kept())) << "the same whatever comes together";
  EXPECT_TRUE(sscvae::equal(cloud_of(rows.narrow(0, 0, 5000), 64).kept(), rows.narrow(0, 0, 5000)))
      << "a small set is kept whole";
}

TEST(SetMetrics, TableKnowsItsMetricsAndWarnsOfFewImages) {
  const at::Tensor a = normal_rows(11, 50, 3).to(at::kFloat), b = (normal_rows(12, 40, 3) + 1).to(at::kFloat);
  const FeatureCloud of_a = cloud_of(a, 16), of_b = cloud_of(b, 16);
  EXPECT_NEAR(find_set_metric("fid").compute(of_a, of_b).value, frechet_distance(a, b), 1e-9);
  EXPECT_TRUE(std::isnan(find_set_metric("fid").compute(of_a, of_b).standard_error));
  EXPECT_EQ(find_set_metric("kid").compute(of_a, of_b).value, kernel_distance(a, b));
  EXPECT_GT(find_set_metric("kid").compute(of_a, of_b).standard_error, 0);
  EXPECT_THROW(find_set_metric("fidd"), UsageError);
  for (const SetMetricEntry& entry : set_metric_entries()) {
    EXPECT_FALSE(entry.summary.empty() || entry.source.empty());
    for (const MetricEntry& other : metric_entries()) EXPECT_NE(entry.name, other.name);
  }
  EXPECT_EQ(few_images_warning(2048, 5000), "");
  EXPECT_NE(few_images_warning(5000, 2047).find("2047 images"), std::string::npos);
}

TEST(Features, AreKeptByImagesAndWeights) {
  const testing::TemporaryFolder folder;
  const FeatureKey key{std::string(64, 'a'), std::string(64, 'b')}, other{std::string(64, 'a'), std::string(64, 'c')};
  EXPECT_FALSE(read_features(folder / "cache", key)) << "no folder yet";
  const FeatureCloud features = cloud_of(normal_rows(10, 30, 4).to(at::kFloat), 16);
  write_features(folder / "cache", key, features);
  const auto kept = read_features(folder / "cache", key);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->count(), 30);
  EXPECT_TRUE(sscvae::equal(kept->kept(), features.kept()));
  EXPECT_TRUE(sscvae::equal(kept->moments().mean(), features.moments().mean()));
  EXPECT_NEAR(frechet_distance(kept->moments(), features.moments()), 0, 1e-12);
  EXPECT_FALSE(read_features(folder / "cache", other));
  FeatureKey twin = key;  // the same file name, another set
  twin.data_sha256.back() = 'x';
  EXPECT_FALSE(read_features(folder / "cache", twin));
  const auto file = feature_file(folder / "cache", key);
  const std::string bytes = read_file(file);
  write_atomically(file, std::string_view(bytes).substr(0, bytes.size() / 2));
  EXPECT_FALSE(read_features(folder / "cache", key)) << "damaged";
}

}  // namespace
}  // namespace sscvae::metrics
