#pragma once

#include <cstdint>

#include "sscvae/kernels/simd/loops_of_sets.h"

/// The sums over windows of grouped shrinkage (unfolded_coder.h).
namespace sscvae::kernels {

/// sums[x][c] of a row: pool[r][k][c] energies[y + r - w/2][x + k - w/2][c], zero outside.
struct PoolRow {
  const float* energies;  // of one image [height][width][channels]
  const float* pool;      // [w][w][channels]
  int64_t height, width, channels, window, y;
};

struct PoolLoops {
  /// Pixels [first, last) of the row; channels are a multiple of 16.
  void (*pool_row)(const PoolRow& row, int64_t first, int64_t last, float* sums);
};

SSCVAE_LOOPS(PoolLoops, pool_loops)

}  // namespace sscvae::kernels
