#include "sscvae/kernels/adam_update.h"

#include <cmath>

#include "sscvae/kernels/target.h"

namespace sscvae::kernels {

namespace {

/// Inlined into a function for each instruction set, and compiled for its instructions there.
template <class T>
[[gnu::always_inline]] inline void update(T* __restrict parameter, const T* __restrict gradient, T* __restrict first,
                                          T* __restrict second, int64_t count, const AdamStep& c) {
  const T decay = static_cast<T>(c.decay), beta2 = static_cast<T>(c.beta2), rise1 = static_cast<T>(c.one_minus_beta1),
          rise2 = static_cast<T>(c.one_minus_beta2), root = static_cast<T>(c.root_correction2),
          step = static_cast<T>(c.step_size), epsilon = static_cast<T>(c.epsilon);
  for (int64_t i = 0; i < count; ++i) {
    const T g = gradient[i];
    first[i] += rise1 * (g - first[i]);
    second[i] = beta2 * second[i] + rise2 * g * g;
    parameter[i] = parameter[i] * decay - step * (first[i] / (std::sqrt(second[i]) / root + epsilon));
  }
}

#ifdef SSCVAE_X86
[[SSCVAE_FUNCTION_TARGET("avx2")]] void update_avx2(float* parameter, const float* gradient, float* m, float* v,
                                                    int64_t count, const AdamStep& step) {
  update(parameter, gradient, m, v, count, step);
}

[[SSCVAE_FUNCTION_TARGET("avx512f,avx512vl,avx512dq")]] void update_avx512(float* parameter, const float* gradient,
                                                                           float* m, float* v, int64_t count,
                                                                           const AdamStep& step) {
  update(parameter, gradient, m, v, count, step);
}
#endif

}  // namespace

void adam_update(float* parameter, const float* gradient, float* m, float* v, int64_t count, const AdamStep& step,
                 Isa isa) {
#ifdef SSCVAE_X86
  if (isa == Isa::kAvx512) return update_avx512(parameter, gradient, m, v, count, step);
  if (isa == Isa::kAvx2) return update_avx2(parameter, gradient, m, v, count, step);
#endif
  update(parameter, gradient, m, v, count, step);
}

void adam_update(double* parameter, const double* gradient, double* m, double* v, int64_t count, const AdamStep& step) {
  update(parameter, gradient, m, v, count, step);
}

}  // namespace sscvae::kernels
