// The vocabulary that inner loops are written in: vectors of kLanes floats. Included inside an unnamed namespace after
// a row of the table of instruction sets (simd/<set>.inl), whose instructions the compiler then takes for it. A product
// that is added, a * b + c, is one instruction and rounded once where the set has that and the file is compiled with
// -ffp-contract=fast.
//
// Nothing of the standard library is used here or in the loops: an inline function of it, compiled for one set, could
// replace the portable copy elsewhere.

constexpr int kLanes = SSCVAE_LANES;
typedef float Vec __attribute__((vector_size(kLanes * 4), may_alias));
typedef float VecAnywhere __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(kLanes * 4), may_alias));
typedef uint32_t Words __attribute__((vector_size(kLanes * 4), may_alias));
typedef uint16_t Halves __attribute__((vector_size(kLanes * 2), may_alias));

// Memory, at any address.

inline Vec load(const float* p) { return *reinterpret_cast<const VecAnywhere*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<VecAnywhere*>(p) = v; }
/// Of bfloat16.
inline Vec load(const uint16_t* p) {
  Halves halves;
  __builtin_memcpy(&halves, p, sizeof halves);
  return reinterpret_cast<Vec>(__builtin_convertvector(halves, Words) << 16);
}
/// Rounds to the nearest bfloat16, ties to even; NaN stays NaN.
inline void store(uint16_t* p, Vec v) {
  const Words bits = reinterpret_cast<Words>(v);
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Halves halves = __builtin_convertvector(v == v ? rounded : Words{} + 0x7fc0u, Halves);
  __builtin_memcpy(p, &halves, sizeof halves);
}
/// The first `count` numbers; others are 0, or left alone.
inline Vec load_some(const float* p, int64_t count) {
  if (count >= kLanes) return load(p);
  Vec v{};
  for (int64_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
}
inline void store_some(float* p, Vec v, int64_t count) {
  if (count >= kLanes) return store(p, v);
  for (int64_t i = 0; i < count; ++i) p[i] = v[i];
}

// Arithmetic that operators do not have. NaN stays NaN everywhere, so that a diverged network shows.

inline Vec splat(float v) { return v - Vec{}; }
/// Where two numbers cannot be compared the second one is taken, as instructions do it.
inline Vec relu(Vec v) { return Vec{} > v ? Vec{} : v; }
/// NaN where either one is.
inline Vec larger(Vec a, Vec b) { return (a > b) | (a != a) ? a : b; }

/// sign(v) max(|v| - theta, 0), and 0 at v = 0 for any theta. NaN of either one passes through.
inline Vec shrunk(Vec v, Vec theta) {
  const Ints bits = reinterpret_cast<Ints>(v), sign = bits & static_cast<int32_t>(0x80000000);
  const Vec magnitude = reinterpret_cast<Vec>(bits ^ sign) - theta;
  const Ints dropped = (magnitude <= 0) | ((v == 0) & (theta == theta));
  return reinterpret_cast<Vec>((reinterpret_cast<Ints>(magnitude) | sign) & ~dropped);
}

/// e^x by 2^n e^r, |r| <= log(2) / 2, with Cephes' polynomial; relative error about 2e-7. x is kept within +-87.
inline Vec exp_of(Vec x) {
  x = x > -87.0f ? x : splat(-87.0f);
  x = x < 87.0f ? x : splat(87.0f);
  const Vec shifted = x * 1.44269504f + 12582912.0f;  // 1.5 2^23: the last bits are the rounded integer
  const Vec n = shifted - 12582912.0f;
  const Vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * reinterpret_cast<Vec>((reinterpret_cast<Ints>(shifted) << 23) + 0x3f800000);
}

template <Act kAct>
inline Vec activate(Vec v) {
  if (kAct == Act::kRelu) return relu(v);
  if (kAct == Act::kSilu) return v / (1.0f + exp_of(-v));
  return v;
}
inline Vec activate(Vec v, Act act) {
  if (act == Act::kRelu) return activate<Act::kRelu>(v);
  if (act == Act::kSilu) return activate<Act::kSilu>(v);
  return v;
}
