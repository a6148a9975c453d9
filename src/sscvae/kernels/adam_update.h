#pragma once

#include <cstdint>

#include "sscvae/kernels/isa.h"

namespace sscvae::kernels {

/// The numbers of one step of Adam that do not depend on the parameter; see train/optimizer.h.
struct AdamStep {
  double decay, beta2, one_minus_beta1, one_minus_beta2, root_correction2, step_size, epsilon;
};

/// One step on `count` numbers in a single pass over memory. The same bits by every instruction set.
void adam_update(float* parameter, const float* gradient, float* m, float* v, int64_t count, const AdamStep& step,
                 Isa isa = best_isa());
/// The same in double, for tests.
void adam_update(double* parameter, const double* gradient, double* m, double* v, int64_t count, const AdamStep& step);

}  // namespace sscvae::kernels
