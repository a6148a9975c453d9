#pragma once

#include <cstdint>

#include "sscvae/kernels/isa.h"

namespace sscvae::kernels {

/// The numbers of one shrinkage of a convolutional sparse coder; positions are rows of `atoms` numbers.
struct NoiseShrink {
  const float* step;      ///< [positions, atoms]
  const float* previous;  ///< the code before, [positions, atoms], or null: 0
  const float* factors;   ///< of the thresholds, [positions, atoms], or null: 1
  const float* floor;     ///< [atoms], >= 0
  const float* slope;     ///< [atoms], >= 0
  float sigma;            ///< noise level
  int64_t atoms;
};

/// code = shrink(previous + step, (floor + sigma slope) factors) in one pass over memory. The same bits by every
/// instruction set. `code` may be `step`.
void noise_shrink(const NoiseShrink& shrink, float* code, int64_t positions, Isa isa = best_isa());

}  // namespace sscvae::kernels
