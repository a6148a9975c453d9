#include "sscvae/kernels/bfloat16_products.h"

#ifdef SSCVAE_X86

#include <immintrin.h>

#include "sscvae/kernels/simd/target.h"

// Tiles in any case: tests emulate each of their instructions.
#pragma GCC target("amx-tile,amx-bf16")
SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")

namespace sscvae::kernels::bfloat16 {

namespace {

constexpr int kTileRows = 16, kTileBytes = 64;

struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes_per_row[16];
  uint8_t rows[16];
};

/// Eight tiles of 16 rows of 64 bytes. In memory before the program starts: the intrinsic that loads it tells the
/// compiler of its first 8 bytes only.
constexpr uint16_t kB = kTileBytes;
constexpr uint8_t kR = kTileRows;
const TileConfig kConfig{1, 0, {}, {kB, kB, kB, kB, kB, kB, kB, kB}, {kR, kR, kR, kR, kR, kR, kR, kR}};

void configure() { _tile_loadconfig(&kConfig); }

void release() { _tile_release(); }

void multiply(const Product& p, int64_t row, int64_t column, float* sums) {
  const int64_t stride = p.depth * 2;  // bytes from pixel to pixel
  const uint16_t* first = p.a + (row * p.pitch + column) * p.depth;
  const int64_t next_row = p.pitch * p.depth;
  const uint16_t* b = p.b;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t k = 0; k < p.depth; k += 32) {
    const uint16_t* line = first + k;
    for (int64_t r = 0; r < p.tap_rows; ++r, line += next_row)
      for (int64_t c = 0; c < p.tap_columns; ++c, b += 1024) {
        const uint16_t* a = line + c * p.depth;
        _tile_loadd(4, a, stride);
        _tile_loadd(6, b, kTileBytes);
        _tile_loadd(7, b + 512, kTileBytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + next_row, stride);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
  }
  _tile_stored(0, sums, 128);
  _tile_stored(1, sums + 16, 128);
  _tile_stored(2, sums + 512, 128);
  _tile_stored(3, sums + 528, 128);
}

void accumulate(const PixelProduct& p, float* sums) {
  _tile_loadd(0, sums, kTileBytes);
  _tile_loadd(1, sums + 256, kTileBytes);
  _tile_loadd(2, sums + 512, kTileBytes);
  _tile_loadd(3, sums + 768, kTileBytes);
  const int64_t second = p.second_b ? p.b_block : 0;  // without a second block its sums are not used
  for (int64_t row = 0; row < p.rows; ++row) {
    const uint16_t *a = p.a + row * p.a_row, *b = p.b + row * p.b_row;
    for (int64_t step = 0; step < p.steps; ++step, a += 512, b += 512) {
      _tile_loadd(4, a, kTileBytes);
      _tile_loadd(6, b, kTileBytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + second, kTileBytes);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + p.a_block, kTileBytes);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums, kTileBytes);
  _tile_stored(1, sums + 256, kTileBytes);
  _tile_stored(2, sums + 512, kTileBytes);
  _tile_stored(3, sums + 768, kTileBytes);
}

/// 32 x 32 results.
void multiply_block(const MatrixProduct& p, int64_t row, int64_t column, float* to, int64_t stride, bool add) {
  const int64_t bytes = stride * static_cast<int64_t>(sizeof(float));
  if (add) {
    _tile_loadd(0, to, bytes);
    _tile_loadd(1, to + 16, bytes);
    _tile_loadd(2, to + 16 * stride, bytes);
    _tile_loadd(3, to + 16 * stride + 16, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const uint16_t *a = p.a + row * p.a_stride, *b = p.b + 2 * column;
  for (int64_t k = 0; k < p.depth; k += 32, a += 32, b += 32 * p.b_stride) {
    _tile_loadd(4, a, 2 * p.a_stride);
    _tile_loadd(6, b, 4 * p.b_stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + 32, 4 * p.b_stride);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + 16 * p.a_stride, 2 * p.a_stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, to, bytes);
  _tile_stored(1, to + 16, bytes);
  _tile_stored(2, to + 16 * stride, bytes);
  _tile_stored(3, to + 16 * stride + 16, bytes);
}

void multiply_matrices(const MatrixProduct& p, float* result, int64_t stride, bool add) {
  for (int64_t column = 0; column < p.columns; column += 32)
    for (int64_t row = 0; row < p.rows; row += 32)
      multiply_block(p, row, column, result + row * stride + column, stride, add);
}

}  // namespace

const Products kAmxProducts{configure, release, multiply, accumulate, multiply_matrices};

}  // namespace sscvae::kernels::bfloat16

#endif
