#pragma once

#include <ATen/core/Tensor.h>

/// Dictionaries D [d,K]: columns are atoms.
namespace sscvae::nn {

/// Atoms divided by their length (at least 1e-12); differentiable.
at::Tensor normalize_atoms(const at::Tensor& dictionary);

/// The largest eigenvalue of D^T D (equal to that of D D^T), exact up to rounding. Differentiable towards D: the
/// derivative of a simple eigenvalue, d lambda = u^T d(D D^T) u with the eigenvector u held fixed. Off the CPU u comes
/// from top_direction.
at::Tensor largest_eigenvalue(const at::Tensor& dictionary);
/// A vector along the eigenvectors of the largest eigenvalue of a symmetric matrix without negative ones, float64
/// [n,n]: the power 2^20 of the matrix, by squaring. What is left of a neighbouring eigenvalue changes the Rayleigh
/// quotient by a share of log(n) / 2^20 at most. Nothing but products, so that a device need not be waited for.
at::Tensor top_direction(const at::Tensor& gram);

}  // namespace sscvae::nn
