#pragma once

#include "sscvae/array/array.h"

/// Decompositions of matrices, in float64 (Eigen's).
namespace sscvae {

/// Of a symmetric matrix, ascending: [n]. NaN where the matrix has one.
Array eigenvalues(const Array& symmetric);
/// Descending: [min(m,n)].
Array singular_values(const Array& matrix);
/// R of a = Q R for a matrix [m,n] with m >= n: upper triangular [n,n].
Array triangular_factor(const Array& matrix);

}  // namespace sscvae
