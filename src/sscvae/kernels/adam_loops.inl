// The step of Adam. Loops over numbers, of which the compiler makes vectors; compiled without contraction, so that
// every instruction set gives the same bits.

inline float root_of(float x) { return __builtin_sqrtf(x); }
inline double root_of(double x) { return __builtin_sqrt(x); }

template <class T>
void update(T* __restrict parameter, const T* __restrict gradient, T* __restrict first, T* __restrict second,
            int64_t count, const AdamStep& c) {
  const T decay = static_cast<T>(c.decay), beta2 = static_cast<T>(c.beta2), rise1 = static_cast<T>(c.one_minus_beta1),
          rise2 = static_cast<T>(c.one_minus_beta2), root = static_cast<T>(c.root_correction2),
          step = static_cast<T>(c.step_size), epsilon = static_cast<T>(c.epsilon);
  for (int64_t i = 0; i < count; ++i) {
    const T g = gradient[i];
    first[i] += rise1 * (g - first[i]);
    second[i] = beta2 * second[i] + rise2 * g * g;
    parameter[i] = parameter[i] * decay - step * (first[i] / (root_of(second[i]) / root + epsilon));
  }
}

constexpr AdamLoops kTable{update<float>, update<double>};
