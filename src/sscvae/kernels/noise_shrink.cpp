#include "sscvae/kernels/noise_shrink.h"

#include <algorithm>
#include <cmath>

#include "sscvae/kernels/target.h"

namespace sscvae::kernels {

namespace {

template <bool kPrevious, bool kFactors>
[[gnu::always_inline]] inline void shrink_rows(const NoiseShrink& s, float* code, int64_t positions) {
  for (int64_t p = 0; p < positions; ++p) {
    const int64_t offset = p * s.atoms;
    for (int64_t k = 0; k < s.atoms; ++k) {
      float v = s.step[offset + k], theta = s.floor[k] + s.sigma * s.slope[k];
      if constexpr (kPrevious) v += s.previous[offset + k];
      if constexpr (kFactors) theta *= s.factors[offset + k];
      // As v - clamp(v, -theta, theta), which has no branches and no sign; in this order NaN of either one stays.
      code[offset + k] = v - std::min(theta, std::max(-theta, v));
    }
  }
}

template <bool kFactors>
[[gnu::always_inline]] inline void gradient_rows(const NoiseShrinkGradient& s, int64_t positions) {
  float* __restrict sums = s.threshold_sums;
  for (int64_t p = 0; p < positions; ++p) {
    const int64_t offset = p * s.atoms;
    const float* __restrict gradient = s.gradient + offset;
    const float* __restrict code = s.code + offset;
    float* __restrict towards_step = s.towards_step + offset;
    for (int64_t k = 0; k < s.atoms; ++k) {
      const float passed = code[k] != 0 ? gradient[k] : 0;
      const float inwards = code[k] > 0 ? -passed : passed;  // the code shrinks as the threshold grows
      towards_step[k] = passed;
      if constexpr (kFactors) {
        sums[k] += inwards * s.factors[offset + k];
        s.towards_factors[offset + k] = inwards * (s.floor[k] + s.sigma * s.slope[k]);
      } else {
        sums[k] += inwards;
      }
    }
  }
}

/// Inlined into a function for each instruction set, and compiled for its instructions there.
[[gnu::always_inline]] inline void shrink_all(const NoiseShrink& shrink, float* code, int64_t positions) {
  if (shrink.previous && shrink.factors) shrink_rows<true, true>(shrink, code, positions);
  else if (shrink.previous) shrink_rows<true, false>(shrink, code, positions);
  else if (shrink.factors) shrink_rows<false, true>(shrink, code, positions);
  else shrink_rows<false, false>(shrink, code, positions);
}

[[gnu::always_inline]] inline void gradient_all(const NoiseShrinkGradient& shrink, int64_t positions) {
  if (shrink.factors) gradient_rows<true>(shrink, positions);
  else gradient_rows<false>(shrink, positions);
}

#ifdef SSCVAE_X86
[[SSCVAE_FUNCTION_TARGET("avx2")]] void gradient_avx2(const NoiseShrinkGradient& shrink, int64_t positions) {
  gradient_all(shrink, positions);
}

[[SSCVAE_FUNCTION_TARGET("avx512f,avx512vl,avx512dq")]] void gradient_avx512(const NoiseShrinkGradient& shrink,
                                                                             int64_t positions) {
  gradient_all(shrink, positions);
}

[[SSCVAE_FUNCTION_TARGET("avx2")]] void shrink_avx2(const NoiseShrink& shrink, float* code, int64_t positions) {
  shrink_all(shrink, code, positions);
}

[[SSCVAE_FUNCTION_TARGET("avx512f,avx512vl,avx512dq")]] void shrink_avx512(const NoiseShrink& shrink, float* code,
                                                                           int64_t positions) {
  shrink_all(shrink, code, positions);
}
#endif

}  // namespace

void noise_shrink(const NoiseShrink& shrink, float* code, int64_t positions, Isa isa) {
#ifdef SSCVAE_X86
  if (isa == Isa::kAvx512) return shrink_avx512(shrink, code, positions);
  if (isa == Isa::kAvx2) return shrink_avx2(shrink, code, positions);
#endif
  shrink_all(shrink, code, positions);
}

void noise_shrink_gradient(const NoiseShrinkGradient& shrink, int64_t positions, Isa isa) {
#ifdef SSCVAE_X86
  if (isa == Isa::kAvx512) return gradient_avx512(shrink, positions);
  if (isa == Isa::kAvx2) return gradient_avx2(shrink, positions);
#endif
  gradient_all(shrink, positions);
}

}  // namespace sscvae::kernels
