#pragma once

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>

/// The tolerances of all comparisons with reference numbers, by what is compared and in which precision:
/// max|a-b| / max|b| per tensor. The columns are float32, float64.
namespace sscvae::testing {

struct Tolerance {
  double float32, float64;
  double of(at::ScalarType dtype) const { return dtype == at::kDouble ? float64 : float32; }
};
inline constexpr Tolerance kIntermediate{5e-5, 1e-11};  ///< features, thresholds, codes, layers
inline constexpr Tolerance kOutput{2e-4, 1e-11};        ///< logits, reconstructions
inline constexpr Tolerance kLoss{2e-5, 1e-11};
inline constexpr Tolerance kGradient{2e-3, 1e-9};
inline constexpr Tolerance kBuffer{5e-5, 1e-11};
inline constexpr Tolerance kBlock{2e-5, 1e-11};
inline constexpr Tolerance kBlockGradient{2e-3, 1e-10};
inline constexpr Tolerance kOtherRuntime{1e-5, 1e-5};  ///< our exports in other programs, max|b| taken as 1 at least

/// max|a-b| / max|b| (max|a-b| where b is zero throughout); infinite for different shapes.
inline double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  if (!actual.defined() || actual.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
  if (expected.numel() == 0) return 0;
  const at::Tensor a = actual.detach().to(at::kDouble), b = expected.detach().to(at::kDouble);
  const double difference = (a - b).abs().max().item<double>(), scale = b.abs().max().item<double>();
  return scale > 0 ? difference / scale : difference;
}

inline ::testing::AssertionResult is_close(const at::Tensor& actual, const at::Tensor& expected, double tolerance) {
  if (actual.defined() && actual.sizes() != expected.sizes())
    return ::testing::AssertionFailure() << "shapes differ: " << actual.sizes() << " and " << expected.sizes();
  const double error = relative_error(actual, expected);
  if (error <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "relative error " << error << " above " << tolerance;
}

}  // namespace sscvae::testing
