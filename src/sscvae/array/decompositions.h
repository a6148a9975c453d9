#pragma once

#include "sscvae/array/array.h"

/// Decompositions of matrices, in float64 (Eigen's).
namespace sscvae {

/// Eigenvalues of a symmetric matrix in ascending order: [n]; all NaN unless every entry is finite.
Array eigenvalues(const Array& symmetric);
/// Singular values in descending order: [min(m,n)].
Array singular_values(const Array& matrix);
/// R of the QR decomposition of a matrix [m,n], m >= n: upper triangular [n,n].
Array triangular_factor(const Array& matrix);

}  // namespace sscvae
