#include "sscvae/kernels/lista_bfloat16.h"

#ifdef SSCVAE_X86
#include "sscvae/kernels/x86_vectors.h"
#endif

namespace sscvae::kernels {

int64_t bfloat16_panel_width(int64_t columns) { return columns % 128 == 0 ? 128 : 64; }

Array pack_bfloat16(const float* matrix, int64_t stride, int64_t depth, int64_t columns) {
  const Array packed = Array::zeros({depth * columns}, kBFloat16);
  const int64_t width = bfloat16_panel_width(columns);
  auto* to = packed.data<BFloat16>();
  for (int64_t row = 0; row < depth; ++row)
    for (int64_t column = 0; column < columns; ++column)
      to[column / width * width * depth + (row / 2 * width + column % width) * 2 + row % 2] =
          BFloat16(matrix[row * stride + column]);
  return packed;
}

}  // namespace sscvae::kernels

#ifdef SSCVAE_X86
SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace sscvae::kernels {

namespace {

#include "sscvae/kernels/bfloat16_vectors.inl"

constexpr int64_t kBlockRows = 8;

const uint16_t* bits(const BFloat16* values) { return reinterpret_cast<const uint16_t*>(values); }

__m512 with_sign_of(__m512 magnitude, __m512i sign) {
  return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(magnitude), sign));
}

__m512i sign_bits(__m512 v) { return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(INT32_MIN)); }

/// As `shrunk` in simd/vectors.inl.
__m512 shrunk(__m512 v, __m512 theta) {
  const __m512 magnitude = _mm512_sub_ps(_mm512_abs_ps(v), theta), zero = _mm512_setzero_ps();
  const __mmask16 counts = _mm512_cmp_ps_mask(v, zero, _CMP_NEQ_UQ) | _mm512_cmp_ps_mask(theta, theta, _CMP_UNORD_Q);
  const __mmask16 kept = _mm512_cmp_ps_mask(magnitude, zero, _CMP_NLE_UQ) & counts;
  return _mm512_maskz_mov_ps(kept, with_sign_of(magnitude, sign_bits(v)));
}

void store_rounded(BFloat16* to, __m512 low, __m512 high) {
  _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
}

__m256i load_half(const BFloat16* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

/// g of 16 elements through the shrinkage whose result was `code`.
__m512 pass(__m512 g, const BFloat16* code, float* drive_gradient, float* threshold_gradient) {
  const __m512 z = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_half(code)), 16));
  const __m512 outer = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(z, _mm512_setzero_ps(), _CMP_NEQ_UQ), g);
  _mm512_storeu_ps(drive_gradient, _mm512_add_ps(_mm512_loadu_ps(drive_gradient), outer));
  if (threshold_gradient) {
    const __m512 along = _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(outer), sign_bits(z)));
    _mm512_storeu_ps(threshold_gradient, _mm512_sub_ps(_mm512_loadu_ps(threshold_gradient), along));
  }
  return outer;
}

/// Rows r and r + 1 of 16 columns as pairs.
__m512i row_pairs(const BFloat16* row, int64_t stride) {
  const __m512i even = _mm512_cvtepu16_epi32(load_half(row)), odd = _mm512_cvtepu16_epi32(load_half(row + stride));
  return _mm512_or_si512(even, _mm512_slli_epi32(odd, 16));
}

/// Transposes a 16 x 16 matrix of 32-bit elements: pairs, quadruples, and then lanes of 128 bits.
void transpose_16x16(__m512i* rows) {
  __m512i pairs[16], fours[16];
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      fours[i + 2 * j] = _mm512_unpacklo_epi64(pairs[i + j], pairs[i + j + 2]);
      fours[i + 2 * j + 1] = _mm512_unpackhi_epi64(pairs[i + j], pairs[i + j + 2]);
    }
  for (int i = 0; i < 4; ++i) {
    const __m512i even_low = _mm512_shuffle_i32x4(fours[i], fours[i + 4], 0x88);
    const __m512i even_high = _mm512_shuffle_i32x4(fours[i + 8], fours[i + 12], 0x88);
    const __m512i odd_low = _mm512_shuffle_i32x4(fours[i], fours[i + 4], 0xdd);
    const __m512i odd_high = _mm512_shuffle_i32x4(fours[i + 8], fours[i + 12], 0xdd);
    rows[i] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
    rows[i + 4] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
    rows[i + 12] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
  }
}

}  // namespace

void round_to_bfloat16(const float* from, int64_t stride, int64_t rows, int64_t columns, BFloat16* to) {
  for (int64_t row = 0; row < rows; ++row, from += stride, to += columns)
    for (int64_t k = 0; k < columns; k += 32)
      store_rounded(to + k, _mm512_loadu_ps(from + k), _mm512_loadu_ps(from + k + 16));
}

void shrink_panel(const Bfloat16Panel& panel, const float* drive, const float* threshold, float* code,
                  BFloat16* rounded) {
  const auto update = [&](int64_t from, int64_t at) {
    const __m512 moved = _mm512_sub_ps(_mm512_loadu_ps(code + at), _mm512_loadu_ps(panel.product + from));
    const __m512 result = shrunk(_mm512_add_ps(moved, _mm512_loadu_ps(drive + at)), _mm512_loadu_ps(threshold + at));
    _mm512_storeu_ps(code + at, result);
    return result;
  };
  for (int64_t row = 0; row < panel.rows; ++row)
    for (int64_t k = 0; k < panel.width; k += 32) {
      const int64_t from = row * panel.width + k, at = row * panel.stride + k;
      const __m512 low = update(from, at), high = update(from + 16, at + 16);
      store_rounded(rounded + row * panel.half_stride + k, low, high);
    }
}

void gradient_panel(const Bfloat16Panel& panel, const BFloat16* code, float* outer, float* drive_gradient,
                    float* threshold_gradient, BFloat16* rounded) {
  const auto update = [&](int64_t from, int64_t at, int64_t half) {
    const __m512 g = _mm512_sub_ps(_mm512_loadu_ps(outer + at), _mm512_loadu_ps(panel.product + from));
    const __m512 result =
        pass(g, code + half, drive_gradient + at, threshold_gradient ? threshold_gradient + at : nullptr);
    _mm512_storeu_ps(outer + at, result);
    return result;
  };
  for (int64_t row = 0; row < panel.rows; ++row)
    for (int64_t k = 0; k < panel.width; k += 32) {
      const int64_t from = row * panel.width + k, at = row * panel.stride + k, half = row * panel.half_stride + k;
      const __m512 low = update(from, at, half), high = update(from + 16, at + 16, half + 16);
      store_rounded(rounded + half, low, high);
    }
}

int64_t find_active_pairs(const BFloat16* matrix, int64_t rows, int64_t columns, int32_t* lists, int32_t* counts) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int64_t total = 0;
  for (int64_t row = 0; row < rows; row += kBlockRows, lists += columns / 2, ++counts) {
    int32_t count = 0;
    for (int64_t k = 0; k < columns; k += 32) {
      __m512i any = _mm512_setzero_si512();
      for (int64_t i = 0; i < kBlockRows; ++i)
        any = _mm512_or_si512(any, _mm512_loadu_si512(matrix + (row + i) * columns + k));
      const __mmask16 used = _mm512_test_epi32_mask(any, _mm512_set1_epi32(0x7fff7fff));  // -0 is zero, too
      _mm512_mask_compressstoreu_epi32(lists + count, used,
                                       _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(k / 2))));
      count += __builtin_popcount(used);
    }
    *counts = count;
    total += count;
  }
  return total;
}

void multiply_active_pairs(const BFloat16* a, int64_t rows, int64_t depth, const BFloat16* panel, int64_t width,
                           const int32_t* lists, const int32_t* counts, float* product) {
  for (int64_t row = 0; row < rows; row += kBlockRows, lists += depth / 2, ++counts)
    for (int64_t column = 0; column < width; column += 32) {
      const uint16_t *left = bits(a + row * depth), *right = bits(panel + 2 * column);
      Sums<kBlockRows> sums;
      for (int32_t n = 0; n < *counts; ++n) {
        const int64_t pair = lists[n];
        const uint16_t* b = right + pair * 2 * width;
        sums.add(left + 2 * pair, depth, 0, b, b + 32, 0, 1);
      }
      float* to = product + row * width + column;
      sums.store(to, width, to + 16);
    }
}

void transpose_bfloat16(const BFloat16* from, int64_t rows, int64_t columns, BFloat16* to, int64_t stride) {
  __m512i block[16];
  for (int64_t row = 0; row < rows; row += 32)
    for (int64_t column = 0; column < columns; column += 16) {
      for (int64_t i = 0; i < 16; ++i) block[i] = row_pairs(from + (row + 2 * i) * columns + column, columns);
      transpose_16x16(block);
      for (int64_t i = 0; i < 16; ++i) _mm512_storeu_si512(to + (column + i) * stride + row, block[i]);
    }
}

void interleave_bfloat16(const BFloat16* from, int64_t rows, int64_t columns, BFloat16* to, int64_t panel_stride) {
  const int64_t width = bfloat16_panel_width(columns);
  for (int64_t row = 0; row < rows; row += 2)
    for (int64_t column = 0; column < columns; column += 16)
      _mm512_storeu_si512(to + column / width * panel_stride + row * width + column % width * 2,
                          row_pairs(from + row * columns + column, columns));
}

}  // namespace sscvae::kernels

#endif
