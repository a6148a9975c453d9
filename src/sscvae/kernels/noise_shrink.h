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

/// What a backward pass through noise_shrink reads and writes; positions are rows of `atoms` numbers.
struct NoiseShrinkGradient {
  const float* code;      ///< the result of the forward pass
  const float* gradient;  ///< towards the code
  const float* factors;   ///< of the thresholds, or null: 1
  const float* floor;     ///< [atoms]; read where there are factors
  const float* slope;     ///< [atoms]
  float sigma;
  int64_t atoms;
  float* towards_step;     ///< towards step and previous alike
  float* towards_factors;  ///< where there are factors
  float* threshold_sums;   ///< [atoms]; the gradient towards floor + sigma slope, summed over positions, is added
};

void noise_shrink_gradient(const NoiseShrinkGradient& shrink, int64_t positions, Isa isa = best_isa());

}  // namespace sscvae::kernels
