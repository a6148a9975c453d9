#include "sscvae/metrics/frechet.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/array/decompositions.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/metrics/features.h"

namespace sscvae::metrics {

namespace {

/// A with A^T A = C, of no more rows than columns.
Array covariance_factor(const Moments& moments) {
  const Array factor = moments.factor() / std::sqrt(static_cast<double>(moments.count() - 1));
  return factor.size(0) > factor.size(1) ? triangular_factor(factor) : factor;
}

double squares(const Array& values) { return sum(square(values)); }

}  // namespace

double frechet_distance(const Moments& a, const Moments& b) {
  if (a.count() < 2 || b.count() < 2) throw ShapeError("Frechet distance: expected at least 2 rows on each side");
  if (!a.is_finite() || !b.is_finite()) return std::numeric_limits<double>::quiet_NaN();
  const Array of_a = covariance_factor(a), of_b = covariance_factor(b);
  const double common = sum(singular_values(mm(of_a, of_b.t())));
  return std::max(0.0, squares(a.mean() - b.mean()) + squares(of_a) + squares(of_b) - 2 * common);
}

double frechet_distance(const Array& a, const Array& b) {
  check_features(a, b);
  Moments of_a, of_b;
  of_a.add(a);
  of_b.add(b);
  return frechet_distance(of_a, of_b);
}

}  // namespace sscvae::metrics
