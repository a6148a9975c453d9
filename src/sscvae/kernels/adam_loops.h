#pragma once

#include "sscvae/kernels/adam_update.h"
#include "sscvae/kernels/simd/loops_of_sets.h"

/// The inner loops of adam_update.h.
namespace sscvae::kernels {

struct AdamLoops {
  void (*of_float)(float* parameter, const float* gradient, float* m, float* v, int64_t count, const AdamStep& step);
  void (*of_double)(double* parameter, const double* gradient, double* m, double* v, int64_t count,
                    const AdamStep& step);
};

SSCVAE_LOOPS(AdamLoops, adam_loops)

}  // namespace sscvae::kernels
