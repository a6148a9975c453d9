#include "sscvae/metrics/frechet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/metrics/features.h"

namespace sscvae::metrics {

namespace {

/// A with A^T A = C, of no more rows than columns.
at::Tensor covariance_factor(const Moments& moments) {
  const at::Tensor factor = moments.factor() / std::sqrt(static_cast<double>(moments.count() - 1));
  return factor.size(0) > factor.size(1) ? std::get<1>(at::linalg_qr(factor, "r")) : factor;
}

double squares(const at::Tensor& tensor) { return tensor.square().sum().item<double>(); }

}  // namespace

double frechet_distance(const Moments& a, const Moments& b) {
  if (a.count() < 2 || b.count() < 2) throw ShapeError("Frechet distance: expected at least 2 rows on each side");
  if (!a.is_finite() || !b.is_finite()) return std::numeric_limits<double>::quiet_NaN();
  const at::Tensor of_a = covariance_factor(a), of_b = covariance_factor(b);
  const double common = at::linalg_svdvals(at::matmul(of_a, of_b.t())).sum().item<double>();
  return std::max(0.0, squares(a.mean() - b.mean()) + squares(of_a) + squares(of_b) - 2 * common);
}

double frechet_distance(const at::Tensor& a, const at::Tensor& b) {
  check_features(a, b);
  Moments of_a, of_b;
  of_a.add(a);
  of_b.add(b);
  return frechet_distance(of_a, of_b);
}

}  // namespace sscvae::metrics
