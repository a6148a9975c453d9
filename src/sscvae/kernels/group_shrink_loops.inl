// Grouped shrinkage. Loops over numbers, of which the compiler makes vectors; compiled without contraction, so that
// every instruction set gives the same bits.

void shrink_rows(const GroupShrink& s, const float* __restrict theta, float* code_rows,
                                               int64_t positions) {
  const float* __restrict own = s.own;
  const int64_t atoms = s.atoms;
  for (int64_t p = 0; p < positions; ++p) {
    const float* __restrict step = s.step + p * atoms;
    const float* __restrict pooled = s.pooled + p * atoms;
    float* __restrict code = code_rows + p * atoms;
    for (int64_t k = 0; k < atoms; ++k) {
      const float energy = own[k] * step[k] * step[k] + pooled[k] + kLeastEnergy;
      const float kept = 1 - theta[k] / __builtin_sqrtf(energy);
      code[k] = step[k] * (kept < 0 ? 0 : kept);  // NaN stays NaN
    }
  }
}

/// One position. A function of its own, whose pointers the compiler may trust to be apart.
[[gnu::always_inline]] inline void gradient_row(const float* __restrict step, const float* __restrict pooled,
                                                const float* __restrict gradient, const float* __restrict own,
                                                const float* __restrict theta, float* __restrict roots,
                                                float* __restrict open, float* __restrict towards_step,
                                                float* __restrict towards_pooled, float* __restrict own_sums,
                                                float* __restrict threshold_sums, int64_t atoms) {
  // In two loops: with the choice in it, the compiler makes branches of the second.
  for (int64_t k = 0; k < atoms; ++k) {
    roots[k] = 1 / __builtin_sqrtf(own[k] * step[k] * step[k] + pooled[k] + kLeastEnergy);
    open[k] = theta[k] * roots[k] < 1 ? 1.0f : 0.0f;
  }
  for (int64_t k = 0; k < atoms; ++k) {
    const float passed = gradient[k] * open[k], reach = theta[k] * roots[k];
    const float through = passed * step[k] * roots[k];  // minus the gradient towards theta
    const float towards_energy = 0.5f * through * reach * roots[k];
    towards_pooled[k] = towards_energy;
    own_sums[k] += towards_energy * step[k] * step[k];
    threshold_sums[k] -= through;
    towards_step[k] = passed * (1 - reach) + 2 * own[k] * step[k] * towards_energy;
  }
}

void gradient_rows(const GroupShrink& s, const GroupShrinkGradient& g, const float* theta, float* row,
                   int64_t positions) {
  for (int64_t p = 0; p < positions; ++p) {
    const int64_t i = p * s.atoms;
    gradient_row(s.step + i, s.pooled + i, g.gradient + i, s.own, theta, row, row + s.atoms, g.towards_step + i,
                 g.towards_pooled + i, g.own_sums, g.threshold_sums, s.atoms);
  }
}

constexpr GroupShrinkLoops kTable{shrink_rows, gradient_rows};
