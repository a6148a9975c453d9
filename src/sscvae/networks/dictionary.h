#pragma once

#include "sscvae/array/array.h"
#include "sscvae/networks/sparse_coder_options.h"

/// What dictionaries D [d,K], whose columns are atoms, start as.
namespace sscvae::networks {

/// The initial dictionary, float32, atoms of unit length.
/// kReferenceDct: atom k is cos((2n+1) k pi / (2d)), normalised, as the authors compute it. For K > d it is
///   rank-deficient in spirit: atom 2d-k is the negative of atom k and atom d is normalised rounding noise.
/// kOvercompleteDct: Kronecker square of the overcomplete one-dimensional cosines cos(pi k n / m), mean removed for
///   k > 0, with m = ceil(sqrt(K)), first K columns, where d is a square number; else the one-dimensional form (source:
///   Aharon et al. 2006).
/// kRandom: independent Gaussian directions, a function of `seed`.
Array initial_dictionary(DictionaryInit kind, int64_t atom_dim, int64_t num_atoms, uint64_t seed);

/// cos(pi k n / K), n = 0..d-1, mean removed for k > 0, unit length: float64 [d,K].
Array overcomplete_dct_1d(int64_t atom_dim, int64_t num_atoms);
/// The Kronecker form described above; atom_dim must be a square number: float64 [d,K].
Array overcomplete_dct_2d(int64_t atom_dim, int64_t num_atoms);

}  // namespace sscvae::networks
