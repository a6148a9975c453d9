#pragma once

#include <cstdint>

#include "sscvae/kernels/isa.h"

namespace sscvae::kernels {

/// Added to energies before their root is taken.
inline constexpr float kLeastEnergy = 1e-10f;

/// The numbers of one grouped shrinkage; positions are rows of `atoms` numbers.
struct GroupShrink {
  const float* step;    ///< u [positions, atoms]
  const float* pooled;  ///< Q [positions, atoms], >= 0: what the group adds to each energy
  const float* own;     ///< s [atoms], >= 0: share of the entry's own energy
  const float* floor;   ///< [atoms], >= 0
  const float* slope;   ///< [atoms], >= 0
  float sigma;          ///< noise level
  int64_t atoms;
};

/// code = u max(0, 1 - theta / sqrt(E)) with E = s u^2 + Q and theta = floor + sigma slope, in one pass over memory.
/// With s = 1 and Q = 0 this is shrinkage by theta. The same bits by every instruction set.
void group_shrink(const GroupShrink& shrink, float* code, int64_t positions, Isa isa = best_isa());

/// Where a backward pass writes; `gradient` [positions, atoms] is the one towards the code.
struct GroupShrinkGradient {
  const float* gradient;
  float* towards_step;    ///< [positions, atoms]
  float* towards_pooled;  ///< [positions, atoms]
  float* own_sums;        ///< [atoms]; the gradient towards s is added
  float* threshold_sums;  ///< [atoms]; the gradient towards theta is added
};

void group_shrink_gradient(const GroupShrink& shrink, const GroupShrinkGradient& gradient, int64_t positions,
                           Isa isa = best_isa());

}  // namespace sscvae::kernels
