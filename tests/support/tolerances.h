#pragma once

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/norm.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
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

/// What float32 promises of a gradient. Networks have kinks: ReLUs, maxima of pooling windows, thresholds, the nearest
/// code. There a gradient jumps, and rounding, which differs by instruction set and number of threads, decides a few of
/// the cases that lie within its reach. What hangs on those is off by as much as it jumps; everything else follows to
/// `tolerance`. So a share of the entries may be off, and the whole by little of its Euclidean norm. A rule that is
/// wrong at kinks, or a wrong formula, moves far more of both. In float64 no case is near enough: compare with
/// is_close.
struct KinkedTolerance {
  double tolerance = kGradient.float32;  ///< of entries, max|a-b| / max|b|, as is_close
  double share = 0.05;                   ///< of the entries that may be off: one case moves all weights of a filter
  double norm = 0.01;                    ///< |a-b| / |b|
};

/// |a-b| / |b|, Euclidean norms (|a-b| where b is zero throughout); infinite for different shapes.
inline double relative_norm(const at::Tensor& actual, const at::Tensor& expected) {
  if (!actual.defined() || actual.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
  const at::Tensor a = actual.detach().to(at::kDouble), b = expected.detach().to(at::kDouble);
  const double difference = (a - b).norm().item<double>(), scale = b.norm().item<double>();
  return scale > 0 ? difference / scale : difference;
}

inline ::testing::AssertionResult is_close_but_for_kinks(const at::Tensor& actual, const at::Tensor& expected,
                                                         const KinkedTolerance& allowed = {}) {
  const double norm = relative_norm(actual, expected);
  if (!std::isfinite(norm)) return ::testing::AssertionFailure() << "other shapes, or not finite";
  const at::Tensor a = actual.detach().to(at::kDouble), b = expected.detach().to(at::kDouble);
  const at::Tensor off = (a - b).abs() > allowed.tolerance * b.abs().max();
  const double share = off.to(at::kDouble).mean().item<double>();
  if (norm <= allowed.norm && share <= allowed.share) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << share * 100 << " % of the entries are off by more than " << allowed.tolerance
                                       << " of the largest (allowed: " << allowed.share * 100 << " %), the whole by "
                                       << norm << " of its norm (allowed: " << allowed.norm << ")";
}

}  // namespace sscvae::testing
