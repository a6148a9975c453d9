#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "sscvae/networks/sparse_coder_options.h"

/// Dictionaries D [d,K]: columns are atoms.
namespace sscvae::nn {

using networks::DictionaryInit;

/// The initial dictionary, float32, atoms of unit length.
/// kReferenceDct: atom k is cos((2n+1) k pi / (2d)), normalised, as the authors compute it. For K > d it is
///   rank-deficient in spirit: atom 2d-k is the negative of atom k and atom d is normalised rounding noise.
/// kOvercompleteDct: Kronecker square of the overcomplete one-dimensional cosines cos(pi k n / m), mean removed for
///   k > 0, with m = ceil(sqrt(K)), first K columns, where d is a square number; else the one-dimensional form (source:
///   Aharon et al. 2006).
/// kRandom: independent Gaussian directions drawn from `generator`.
at::Tensor initial_dictionary(DictionaryInit kind, int64_t atom_dim, int64_t num_atoms, at::Generator generator);

/// cos(pi k n / K), n = 0..d-1, mean removed for k > 0, unit length: float64 [d,K].
at::Tensor overcomplete_dct_1d(int64_t atom_dim, int64_t num_atoms);
/// The Kronecker form described above; atom_dim must be a square number: float64 [d,K].
at::Tensor overcomplete_dct_2d(int64_t atom_dim, int64_t num_atoms);

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
