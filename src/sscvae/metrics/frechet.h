#pragma once

#include "sscvae/array/array.h"
#include "sscvae/metrics/moments.h"

/// How far two clouds of feature vectors are apart, both taken for normal distributions.
namespace sscvae::metrics {

/// Frechet distance, which with Inception features is the FID:
///   |m_a - m_b|^2 + tr C_a + tr C_b - 2 tr (C_a C_b)^(1/2)
/// of the means and covariances (divided by N - 1) of the rows of a [N,d] and b [M,d]. Exact also where the covariances
/// are singular (N <= d), and without a matrix square root: with C_a = A^T A and C_b = B^T B the last trace is the sum
/// of the singular values of A B^T. Computed in double. NaN if a value is not finite. Errors: ShapeError
/// unless both have two axes, the same columns and at least 2 rows. Source: Dowson and Landau 1982; Heusel et al. 2017.
double frechet_distance(const Array& a, const Array& b);
/// The same of rows that came a few at a time.
double frechet_distance(const Moments& a, const Moments& b);

}  // namespace sscvae::metrics
