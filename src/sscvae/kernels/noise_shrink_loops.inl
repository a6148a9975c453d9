// Shrinkage of a convolutional sparse coder. Loops over numbers, of which the compiler makes vectors; compiled without
// contraction, so that every instruction set gives the same bits.

/// The first one where they cannot be compared.
inline float lesser(float a, float b) { return b < a ? b : a; }
inline float greater(float a, float b) { return a < b ? b : a; }

template <bool kPrevious, bool kFactors>
void shrink_rows(const NoiseShrink& s, float* code, int64_t positions) {
  for (int64_t p = 0; p < positions; ++p) {
    const int64_t offset = p * s.atoms;
    for (int64_t k = 0; k < s.atoms; ++k) {
      float v = s.step[offset + k], theta = s.floor[k] + s.sigma * s.slope[k];
      if constexpr (kPrevious) v += s.previous[offset + k];
      if constexpr (kFactors) theta *= s.factors[offset + k];
      // As v - clamp(v, -theta, theta), which has no branches and no sign; in this order NaN of either one stays.
      code[offset + k] = v - lesser(theta, greater(-theta, v));
    }
  }
}

template <bool kFactors>
void gradient_rows(const NoiseShrinkGradient& s, int64_t positions) {
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

void shrink_all(const NoiseShrink& shrink, float* code, int64_t positions) {
  if (shrink.previous && shrink.factors) shrink_rows<true, true>(shrink, code, positions);
  else if (shrink.previous) shrink_rows<true, false>(shrink, code, positions);
  else if (shrink.factors) shrink_rows<false, true>(shrink, code, positions);
  else shrink_rows<false, false>(shrink, code, positions);
}

void gradient_all(const NoiseShrinkGradient& shrink, int64_t positions) {
  if (shrink.factors) gradient_rows<true>(shrink, positions);
  else gradient_rows<false>(shrink, positions);
}

constexpr NoiseShrinkLoops kTable{shrink_all, gradient_all};
