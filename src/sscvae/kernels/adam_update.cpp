#include "sscvae/kernels/adam_update.h"

#include "sscvae/kernels/adam_loops.h"

namespace sscvae::kernels {

void adam_update(float* parameter, const float* gradient, float* m, float* v, int64_t count, const AdamStep& step,
                 Isa isa) {
  adam_loops(isa).of_float(parameter, gradient, m, v, count, step);
}

void adam_update(double* parameter, const double* gradient, double* m, double* v, int64_t count, const AdamStep& step) {
  adam_loops(Isa::kPortable).of_double(parameter, gradient, m, v, count, step);
}

}  // namespace sscvae::kernels
