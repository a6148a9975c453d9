// Vectors of bfloat16 and products of pairs. Included inside an unnamed namespace after <immintrin.h> and a target with
// AVX512_BF16 (#pragma GCC target).

inline __m512 widen(__m256i bf16) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16)); }
inline __m512 load16(const uint16_t* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
/// NaN stays NaN: the instruction takes the second one of numbers that cannot be compared.
inline __m512 relu(__m512 v) { return _mm512_max_ps(_mm512_setzero_ps(), v); }
inline __m512bh load_pairs(const uint16_t* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }
inline __m512bh spread_pair(const uint16_t* p) {
  int pair;
  __builtin_memcpy(&pair, p, sizeof(pair));
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

/// 16 floats, rounded.
inline void store16(uint16_t* p, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}
/// 16 pairs (a, b), rounded.
inline void store_pairs(uint16_t* p, __m512 a, __m512 b) {
  const __m512i low = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a)));
  const __m512i high = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(b)));
  _mm512_storeu_si512(p, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

/// Sums of kRows x 32 products that stay in registers.
template <int kRows>
class Sums {
 public:
  Sums() {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) sums_[i][0] = sums_[i][1] = _mm512_setzero_ps();
  }
  /// From the left and the right 16 of each row, `stride` floats from row to row.
  Sums(const float* left, int64_t stride, const float* right) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      sums_[i][0] = _mm512_loadu_ps(left + i * stride);
      sums_[i][1] = _mm512_loadu_ps(right + i * stride);
    }
  }
  void store(float* left, int64_t stride, float* right) const {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      _mm512_storeu_ps(left + i * stride, sums_[i][0]);
      _mm512_storeu_ps(right + i * stride, sums_[i][1]);
    }
  }
  /// Adds A B for `count` pairs: those of A `a_pair` numbers apart, rows of A `a_row`; those of B, 16 columns left and
  /// right, `b_pair`.
  void add(const uint16_t* a, int64_t a_row, int64_t a_pair, const uint16_t* left, const uint16_t* right,
           int64_t b_pair, int64_t count) {
    for (int64_t k = 0; k < count; ++k, a += a_pair, left += b_pair, right += b_pair) {
      const __m512bh b0 = load_pairs(left), b1 = load_pairs(right);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const __m512bh v = spread_pair(a + i * a_row);
        sums_[i][0] = _mm512_dpbf16_ps(sums_[i][0], v, b0);
        sums_[i][1] = _mm512_dpbf16_ps(sums_[i][1], v, b1);
      }
    }
  }

 private:
  __m512 sums_[kRows][2];
};
