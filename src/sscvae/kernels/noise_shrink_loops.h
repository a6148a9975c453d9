#pragma once

#include "sscvae/kernels/noise_shrink.h"
#include "sscvae/kernels/simd/loops_of_sets.h"

/// The inner loops of noise_shrink.h.
namespace sscvae::kernels {

struct NoiseShrinkLoops {
  void (*shrink)(const NoiseShrink& shrink, float* code, int64_t positions);
  void (*gradient)(const NoiseShrinkGradient& shrink, int64_t positions);
};

SSCVAE_LOOPS(NoiseShrinkLoops, noise_shrink_loops)

}  // namespace sscvae::kernels
