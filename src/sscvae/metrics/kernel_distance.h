#pragma once

#include <cstdint>

#include "sscvae/array/array.h"

/// Maximum mean discrepancy of two clouds of feature vectors under a cubic kernel, which with Inception features is the
/// KID. Unlike the Frechet distance it assumes no distribution and, unbiased, does not depend on the number of samples.
namespace sscvae::metrics {

/// k(x, y) = (x.y / d + 1)^3; mean k over pairs within a + mean within b - 2 mean between, of the rows of a [N,d] and
/// b [M,d]. Unbiased: no row is paired with itself (may be negative). Biased: they are (never negative).
/// In double; memory grows with N + M, time with (N + M)^2.
/// Errors: ShapeError unless both have two axes, the same columns and at least 2 rows. Source: Binkowski et al. 2018.
double kernel_distance(const Array& a, const Array& b, bool unbiased = true);

struct KernelDistanceOptions {
  int64_t subsets = 10;
  uint64_t seed = 1;
};

/// An estimate and how sure it is.
struct KernelDistance {
  double value = 0;           ///< unbiased, over all samples
  double standard_error = 0;  ///< of the mean over `subsets` estimates; NaN with fewer than 2 subsets
  int64_t subsets = 0;
};

/// The samples of both sides are shuffled by the seed and cut into disjoint subsets (as many as asked for, fewer where
/// a subset would have less than 2 rows). Each gives an independent estimate, so that their standard deviation divided
/// by sqrt(subsets) is the standard error of their mean; that of the value over all samples is no larger. Errors: as
/// above; UsageError for subsets < 1.
KernelDistance kernel_distance_with_error(const Array& a, const Array& b, const KernelDistanceOptions& options = {});

}  // namespace sscvae::metrics
