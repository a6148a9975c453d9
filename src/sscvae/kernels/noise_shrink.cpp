#include "sscvae/kernels/noise_shrink.h"

#include "sscvae/kernels/noise_shrink_loops.h"

namespace sscvae::kernels {

void noise_shrink(const NoiseShrink& shrink, float* code, int64_t positions, Isa isa) {
  noise_shrink_loops(isa).shrink(shrink, code, positions);
}

void noise_shrink_gradient(const NoiseShrinkGradient& shrink, int64_t positions, Isa isa) {
  noise_shrink_loops(isa).gradient(shrink, positions);
}

}  // namespace sscvae::kernels
