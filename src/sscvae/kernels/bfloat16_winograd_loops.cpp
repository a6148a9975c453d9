#include "sscvae/kernels/bfloat16_winograd_loops.h"

#ifdef SSCVAE_X86

#include "sscvae/kernels/x86_vectors.h"

SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")

namespace sscvae::kernels::bfloat16 {

namespace {

#include "sscvae/kernels/bfloat16_vectors.inl"

/// 4x4 numbers of 16 channels.
struct Square {
  __m512 at[4][4];
};

inline void input_line(const __m512 d[4], __m512 t[4]) {
  t[0] = _mm512_sub_ps(d[0], d[2]);
  t[1] = _mm512_add_ps(d[1], d[2]);
  t[2] = _mm512_sub_ps(d[2], d[1]);
  t[3] = _mm512_sub_ps(d[1], d[3]);
}
inline void gradient_line(const __m512 y[2], __m512 t[4]) {
  t[0] = y[0];
  t[1] = _mm512_add_ps(y[0], y[1]);
  t[2] = _mm512_sub_ps(y[0], y[1]);
  t[3] = _mm512_sub_ps(_mm512_setzero_ps(), y[1]);
}
inline void output_line(const __m512 m[4], __m512 y[2]) {
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]);
  y[1] = _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}
inline void weight_line(const __m512 g[3], __m512 u[4]) {
  const __m512 half = _mm512_set1_ps(0.5f), ends = _mm512_mul_ps(half, _mm512_add_ps(g[0], g[2]));
  const __m512 middle = _mm512_mul_ps(half, g[1]);
  u[0] = g[0];
  u[1] = _mm512_add_ps(ends, middle);
  u[2] = _mm512_sub_ps(ends, middle);
  u[3] = g[2];
}
/// The transpose of weight_line.
inline void weight_gradient_line(const __m512 u[4], __m512 g[3]) {
  const __m512 half = _mm512_set1_ps(0.5f), ends = _mm512_mul_ps(half, _mm512_add_ps(u[1], u[2]));
  g[0] = _mm512_add_ps(u[0], ends);
  g[1] = _mm512_mul_ps(half, _mm512_sub_ps(u[1], u[2]));
  g[2] = _mm512_add_ps(ends, u[3]);
}

/// A pixel's channels, zeros outside.
inline const uint16_t* pixel_at(const Image& x, int64_t row, int64_t column) {
  const bool inside = x.pixels && row >= 0 && row < x.height && column >= 0 && column < x.width;
  return inside ? x.pixels + (row * x.width + column) * x.channels : x.zeros;
}

/// The pixels that B^T d B reads.
struct Window {
  const uint16_t* pixel[4][4];
  Window(const Image& x, int64_t row, int64_t column) {
    for (int64_t r = 0; r < 4; ++r)
      for (int64_t c = 0; c < 4; ++c) pixel[r][c] = pixel_at(x, row + r - 1, column + c - 1);
  }
  template <bool kRelu>
  Square transformed(int64_t channel) const {
    __m512 half[4][4];
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      __m512 d[4], t[4];
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        d[r] = load16(pixel[r][c] + channel);
        if (kRelu) d[r] = relu(d[r]);
      }
      input_line(d, t);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) half[r][c] = t[r];
    }
    Square v;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) input_line(half[r], v.at[r]);
    return v;
  }
};

/// The pixels that A dy A^T reads.
struct Gradients {
  const uint16_t* pixel[2][2];
  explicit Gradients(const TilePlace& place) {
    for (int64_t r = 0; r < 2; ++r)
      for (int64_t c = 0; c < 2; ++c) pixel[r][c] = pixel_at(place.image, place.row + r, place.column + c);
  }
  Square transformed(int64_t channel) const {
    __m512 half[4][2];
    for (int c = 0; c < 2; ++c) {
      const __m512 d[2] = {load16(pixel[0][c] + channel), load16(pixel[1][c] + channel)};
      __m512 t[4];
      gradient_line(d, t);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) half[r][c] = t[r];
    }
    Square w;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) gradient_line(half[r], w.at[r]);
    return w;
  }
};

inline void store_square_pairs(const Square& a, const Square& b, uint16_t* to, int64_t stride) {
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) store_pairs(to + (4 * r + c) * stride, a.at[r][c], b.at[r][c]);
}

template <bool kRelu>
void transform_input_line(const Image& x, int64_t row, int64_t column, int64_t count, uint16_t* v, int64_t stride) {
  for (int64_t tile = 0; tile < count; ++tile, v += x.channels) {
    const Window window(x, row, column + 2 * tile);
    for (int64_t k = 0; k < x.channels; k += 16) {
      const Square square = window.transformed<kRelu>(k);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r)
#pragma GCC unroll 4
        for (int c = 0; c < 4; ++c) store16(v + (4 * r + c) * stride + k, square.at[r][c]);
    }
  }
}

template <bool kRelu>
void transform_both(const TilePlace& first, const TilePlace& second, uint16_t* to, int64_t number_stride,
                    int64_t block_stride) {
  const Window a(first.image, first.row, first.column), b(second.image, second.row, second.column);
  for (int64_t k = 0; k < first.image.channels; k += 16, to += block_stride)
    store_square_pairs(a.transformed<kRelu>(k), b.transformed<kRelu>(k), to, number_stride);
}

template <int kRows>
inline void multiply_rows(const uint16_t* a, int64_t depth, const uint16_t* b, float* c) {
  Sums<kRows> sums;
  sums.add(a, depth, 2, b, b + 32, 64, depth / 2);
  sums.store(c, 32, c + 16);
}

}  // namespace

void transform_inputs(const Image& x, int64_t row, int64_t column, int64_t count, bool relu, uint16_t* v,
                      int64_t stride) {
  if (relu) transform_input_line<true>(x, row, column, count, v, stride);
  else transform_input_line<false>(x, row, column, count, v, stride);
}

void multiply_panel(const uint16_t* a, int64_t rows, int64_t depth, const uint16_t* b, float* c) {
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8) multiply_rows<8>(a + i * depth, depth, b, c + i * 32);
  if (i + 4 <= rows) {
    multiply_rows<4>(a + i * depth, depth, b, c + i * 32);
    i += 4;
  }
  for (; i < rows; ++i) multiply_rows<1>(a + i * depth, depth, b, c + i * 32);
}

void transform_outputs(const float* m, int64_t stride, int64_t count, float* sums) {
  for (int64_t tile = 0; tile < count; ++tile)
    for (int64_t half = 0; half < 32; half += 16) {
      const float* from = m + tile * 32 + half;
      __m512 lines[2][4];
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) {
        __m512 column[4], y[2];
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) column[r] = _mm512_loadu_ps(from + (4 * r + c) * stride);
        output_line(column, y);
        lines[0][c] = y[0];
        lines[1][c] = y[1];
      }
      for (int r = 0; r < 2; ++r) {
        __m512 y[2];
        output_line(lines[r], y);
        float* to = sums + (r * 16 + 2 * tile) * 32 + half;
        _mm512_storeu_ps(to, y[0]);
        _mm512_storeu_ps(to + 32, y[1]);
      }
    }
}

void transform_weights(const WeightView& w, int64_t out, uint16_t* packed) {
  const int64_t pairs = w.ins / 2;
  for (int64_t half = 0; half < 2; ++half) {
    const int64_t first = out + half * 16, there = w.outs - first;
    const __mmask16 mask = static_cast<__mmask16>(there >= 16 ? 0xffff : there > 0 ? (1 << there) - 1 : 0);
    const __m512i lanes = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                             _mm512_set1_epi32(static_cast<int>(w.out_stride)));
    for (int64_t pair = 0; pair < pairs; ++pair) {
      Square both[2];
      for (int64_t i = 0; i < 2; ++i) {
        const float* window = w.values + first * w.out_stride + (2 * pair + i) * w.in_stride;
        __m512 lines[4][3];
        for (int c = 0; c < 3; ++c) {
          __m512 g[3], u[4];
          for (int r = 0; r < 3; ++r)
            g[r] = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, lanes,
                                            window + r * w.row_stride + c * w.column_stride, 4);
          weight_line(g, u);
          for (int r = 0; r < 4; ++r) lines[r][c] = u[r];
        }
        for (int r = 0; r < 4; ++r) weight_line(lines[r], both[i].at[r]);
      }
      store_square_pairs(both[0], both[1], packed + pair * 64 + half * 32, pairs * 64);
    }
  }
}

void transform_input_pair(const TilePlace& first, const TilePlace& second, bool relu, uint16_t* to,
                          int64_t number_stride, int64_t block_stride) {
  if (relu) transform_both<true>(first, second, to, number_stride, block_stride);
  else transform_both<false>(first, second, to, number_stride, block_stride);
}

void transform_gradient_pair(const TilePlace& first, const TilePlace& second, uint16_t* to, int64_t number_stride,
                             int64_t block_stride) {
  const Gradients a(first), b(second);
  for (int64_t k = 0; k < first.image.channels; k += 16, to += block_stride)
    store_square_pairs(a.transformed(k), b.transformed(k), to, number_stride);
}

void accumulate_tiles(const uint16_t* w, int64_t w_blocks, const uint16_t* v, int64_t v_blocks, int64_t pairs,
                      float* sums, int64_t row) {
  const int64_t block = pairs * 32;
  for (int64_t in = 0; in < v_blocks; in += 2) {
    const int64_t second = in + 1 < v_blocks ? 1 : 0;  // alone: computed twice
    for (int64_t out = 0; out < 2 * w_blocks; ++out) {
      float* left = sums + out * 8 * row + in * 16;
      Sums<8> products(left, row, left + second * 16);
      products.add(w + out / 2 * block + out % 2 * 16, 2, 32, v + in * block, v + (in + second) * block, 32, pairs);
      products.store(left, row, left + second * 16);
    }
  }
}

void transform_gradient(const float* u, int64_t number_stride, int64_t ins, float* weight) {
  for (int64_t in = 0; in < ins; in += 16) {
    __m512 lines[3][4];
    for (int c = 0; c < 4; ++c) {
      __m512 column[4], g[3];
      for (int r = 0; r < 4; ++r) column[r] = _mm512_loadu_ps(u + (4 * r + c) * number_stride + in);
      weight_gradient_line(column, g);
      for (int r = 0; r < 3; ++r) lines[r][c] = g[r];
    }
    for (int r = 0; r < 3; ++r) {
      __m512 g[3];
      weight_gradient_line(lines[r], g);
      for (int c = 0; c < 3; ++c) _mm512_storeu_ps(weight + (3 * r + c) * ins + in, g[c]);
    }
  }
}

}  // namespace sscvae::kernels::bfloat16

#endif
