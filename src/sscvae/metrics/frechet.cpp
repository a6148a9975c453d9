#include "sscvae/metrics/frechet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/metrics/features.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

/// The mean of the rows and a factor A of their covariance A^T A.
struct Moments {
  at::Tensor mean, factor;

  explicit Moments(const at::Tensor& rows) : mean(rows.mean(0)) {
    factor = (rows - mean) / std::sqrt(static_cast<double>(rows.size(0) - 1));
    if (factor.size(0) > factor.size(1)) factor = std::get<1>(at::linalg_qr(factor, "r"));
  }
  double trace() const { return factor.square().sum().item<double>(); }
};

}  // namespace

double frechet_distance(const at::Tensor& a, const at::Tensor& b) {
  check_features(a, b);
  const at::Tensor first = plain(a), second = plain(b);
  if (!first.isfinite().all().item<bool>() || !second.isfinite().all().item<bool>())
    return std::numeric_limits<double>::quiet_NaN();
  const Moments of_a(first), of_b(second);
  const double means = (of_a.mean - of_b.mean).square().sum().item<double>();
  const double common = at::linalg_svdvals(at::matmul(of_a.factor, of_b.factor.t())).sum().item<double>();
  return std::max(0.0, means + of_a.trace() + of_b.trace() - 2 * common);
}

}  // namespace sscvae::metrics
