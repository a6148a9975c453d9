#include "sscvae/kernels/bfloat16_loops.h"

#ifdef SSCVAE_X86

#include "sscvae/kernels/x86_vectors.h"

SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")

namespace sscvae::kernels::bfloat16 {

namespace {

#include "sscvae/kernels/bfloat16_vectors.inl"

inline __m512 exp_of(__m512 x) {  // 2^(x log2 e), Cephes' polynomial; relative error about 2e-7
  x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(88.0f));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  return _mm512_scalef_ps(p, n);
}

/// NaN where either one is.
inline __m512 larger(__m512 a, __m512 b) {
  return _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}

/// Of bfloat16 values, whose sign is that of their bits; NaN with a sign are the bits -127 to -1.
inline __m512i relu_of_bits(__m512i v) {
  return _mm512_maskz_mov_epi16(_mm512_cmpgt_epi16_mask(v, _mm512_set1_epi16(-128)), v);
}

template <Act kAct>
inline __m512 activate(__m512 v) {
  if constexpr (kAct == Act::kRelu) return relu(v);
  else if constexpr (kAct == Act::kSilu)
    return _mm512_div_ps(v, _mm512_add_ps(_mm512_set1_ps(1.0f), exp_of(_mm512_sub_ps(_mm512_setzero_ps(), v))));
  else return v;
}

/// Calls work.template operator()<act>().
template <class Work>
inline void with_act(Act act, const Work& work) {
  if (act == Act::kRelu) work.template operator()<Act::kRelu>();
  else if (act == Act::kSilu) work.template operator()<Act::kSilu>();
  else work.template operator()<Act::kNone>();
}

/// 16 channels of the pixels of one row, from the sums on.
class Row {
 public:
  Row(const Finish& f, const float* sums, int row, int half)
      : sums_(sums + row * 512 + half * 16),
        first_(_mm512_loadu_ps(f.bias[row][f.first_is_edge                  ? 0
                                           : f.last_is_edge && f.count == 1 ? 2
                                                                            : 1] +
                               half * 16)),
        middle_(_mm512_loadu_ps(f.bias[row][1] + half * 16)),
        last_(_mm512_loadu_ps(f.bias[row][f.last_is_edge ? 2 : 1] + half * 16)),
        end_(f.count - 1) {}
  template <Act kAct>
  __m512 value(int64_t pixel) const {
    const __m512 bias = pixel == 0 ? first_ : pixel == end_ ? last_ : middle_;
    return activate<kAct>(_mm512_add_ps(_mm512_loadu_ps(sums_ + pixel * 32), bias));
  }

 private:
  const float* sums_;
  __m512 first_, middle_, last_;
  int64_t end_;
};

/// 16 channels of one pixel, of which `mask` exist.
inline void write(const Finish& f, void* out, int64_t offset, __m512 v, __mmask16 mask) {
  if (f.out_float) _mm512_mask_storeu_ps(static_cast<float*>(out) + offset, mask, v);
  else
    _mm256_mask_storeu_epi16(static_cast<uint16_t*>(out) + offset, mask,
                             reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

template <Act kAct>
void finish_rows(const Finish& f, const float* sums, int half, __mmask16 mask) {
  for (int r = 0; r < (f.second_row ? 2 : 1); ++r) {
    const Row row(f, sums, r, half);
    const uint16_t *shown = f.mask[r], *residual = f.residual[r];
    for (int64_t pixel = 0; pixel < f.count; ++pixel) {
      const int64_t offset = pixel * f.pixel_stride + half * 16;
      __m512 v = row.value<kAct>(pixel);
      if (shown) {
        const __m256i sign = _mm256_maskz_loadu_epi16(mask, shown + offset);
        v = _mm512_maskz_mov_ps(_mm256_cmpgt_epi16_mask(sign, _mm256_setzero_si256()), v);
      }
      if (residual) v = _mm512_add_ps(v, widen(_mm256_maskz_loadu_epi16(mask, residual + offset)));
      write(f, f.out[r], offset, v, mask);
    }
  }
}

template <Act kAct>
void finish_pooled(const Finish& f, const float* sums, int half, __mmask16 mask) {
  if (!f.second_row) return;
  const Row upper(f, sums, 0, half), lower(f, sums, 1, half);
  for (int64_t pixel = 0; pixel + 1 < f.count; pixel += 2) {
    const __m512 top = larger(upper.value<kAct>(pixel), upper.value<kAct>(pixel + 1));
    const __m512 bottom = larger(lower.value<kAct>(pixel), lower.value<kAct>(pixel + 1));
    write(f, f.out[0], pixel / 2 * f.pixel_stride + half * 16, larger(top, bottom), mask);
  }
}

}  // namespace

void interleave(const uint16_t* first, const uint16_t* second, int64_t blocks, bool relu, uint16_t* to,
                int64_t stride) {
  const __m512i zero = _mm512_setzero_si512();
  for (int64_t i = 0; i < blocks; ++i, to += stride) {
    __m512i v = zero;
    if (first) v = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(first + i * 16)));
    if (second)
      v = _mm512_or_si512(
          v, _mm512_slli_epi32(
                 _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(second + i * 16))), 16));
    if (relu) v = relu_of_bits(v);
    _mm512_storeu_si512(to, v);
  }
}

void transpose_pairs(uint16_t* tile) {
  __m512i r[16], t[16];
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(tile + i * 32);
  for (int i = 0; i < 16; i += 2) {  // neighbours
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {  // fours
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {  // quarters of rows i, i + 4, i + 8, i + 12
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 8] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    _mm512_storeu_si512(tile + i * 32, _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88));
    _mm512_storeu_si512(tile + (i + 8) * 32, _mm512_shuffle_i32x4(t[i], t[i + 4], 0xdd));
    _mm512_storeu_si512(tile + (i + 4) * 32, _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88));
    _mm512_storeu_si512(tile + (i + 12) * 32, _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xdd));
  }
}

void copy_pixels(const uint16_t* from, int64_t channels, uint16_t* to, int64_t depth, int64_t count, bool relu) {
  if (channels == depth) {  // one run of values
    channels = depth = channels * count;
    count = 1;
  }
  for (int64_t pixel = 0; pixel < count; ++pixel, from += channels, to += depth)
    for (int64_t k = 0; k < depth; k += 32) {
      const int64_t left = channels - k;
      const __mmask32 mask = left >= 32 ? ~0u : left > 0 ? (1u << left) - 1 : 0u;
      __m512i v = _mm512_maskz_loadu_epi16(mask, from + k);
      if (relu) v = relu_of_bits(v);
      _mm512_storeu_si512(to + k, v);
    }
}

void finish(const Finish& f, const float* sums) {
  for (int half = 0; half < 2; ++half) {
    const int64_t left = f.channels - half * 16;
    if (left <= 0) return;
    const __mmask16 mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1 << left) - 1);
    with_act(f.activation, [&]<Act kAct>() {
      if (f.pool) finish_pooled<kAct>(f, sums, half, mask);
      else finish_rows<kAct>(f, sums, half, mask);
    });
  }
}

void channel_sums(const uint16_t* x, int64_t pixels, int64_t channels, double* sums, double* squares) {
  constexpr int64_t kTogether = 64;
  alignas(64) float lanes[2][16];
  for (int64_t first = 0; first < pixels; first += kTogether) {
    const int64_t count = pixels - first < kTogether ? pixels - first : kTogether;
    for (int64_t k = 0; k < channels; k += 16) {
      __m512 sum = _mm512_setzero_ps(), square = _mm512_setzero_ps();
      for (int64_t i = 0; i < count; ++i) {
        const __m512 v = load16(x + (first + i) * channels + k);
        sum = _mm512_add_ps(sum, v);
        square = _mm512_fmadd_ps(v, v, square);
      }
      _mm512_store_ps(lanes[0], sum);
      _mm512_store_ps(lanes[1], square);
      for (int j = 0; j < 16; ++j) {
        sums[k + j] += lanes[0][j];
        squares[k + j] += lanes[1][j];
      }
    }
  }
}

void scale_shift(const uint16_t* x, const float* scale, const float* shift, int64_t pixels, int64_t channels, Act act,
                 uint16_t* y) {
  with_act(act, [&]<Act kAct>() {
    for (int64_t pixel = 0; pixel < pixels; ++pixel, x += channels, y += channels)
      for (int64_t k = 0; k < channels; k += 16) {
        const __m512 v = load16(x + k);
        const __m512 scaled = _mm512_fmadd_ps(v, _mm512_loadu_ps(scale + k), _mm512_loadu_ps(shift + k));
        store16(y + k, activate<kAct>(scaled));
      }
  });
}

}  // namespace sscvae::kernels::bfloat16

#endif
