#include "sscvae/kernels/bfloat16_products.h"

#ifdef SSCVAE_X86

#include "sscvae/kernels/x86_vectors.h"

SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")

namespace sscvae::kernels::bfloat16 {

namespace {

#include "sscvae/kernels/bfloat16_vectors.inl"

void nothing() {}

void multiply(const Product& p, int64_t row, int64_t column, float* sums) {
  const int64_t next_row = p.pitch * p.depth;
  for (int64_t part = 0; part < 4; ++part) {  // 8 pixels each
    const uint16_t* first = p.a + ((row + part / 2) * p.pitch + column + part % 2 * 8) * p.depth;
    const uint16_t* b = p.b;
    Sums<8> block;
    for (int64_t k = 0; k < p.depth; k += 32)
      for (int64_t r = 0; r < p.tap_rows; ++r)
        for (int64_t c = 0; c < p.tap_columns; ++c, b += 1024)
          block.add(first + r * next_row + c * p.depth + k, p.depth, 2, b, b + 512, 32, 16);
    block.store(sums + part * 256, 32, sums + part * 256 + 16);
  }
}

void accumulate(const PixelProduct& p, float* sums) {
  const int64_t second = p.second_b ? p.b_block : 0;  // without a second block its sums are not used
  for (int64_t part = 0; part < 4; ++part) {          // 8 channels of A each
    float* rows = sums + part / 2 * 512 + part % 2 * 128;
    Sums<8> block(rows, 16, rows + 256);
    for (int64_t row = 0; row < p.rows; ++row) {
      const uint16_t* a = p.a + part / 2 * p.a_block + part % 2 * 256 + row * p.a_row;
      const uint16_t* b = p.b + row * p.b_row;
      for (int64_t step = 0; step < p.steps; ++step, a += 512, b += 512) block.add(a, 32, 2, b, b + second, 32, 16);
    }
    block.store(rows, 16, rows + 256);
  }
}

void multiply_matrices(const MatrixProduct& p, float* result, int64_t stride, bool add) {
  for (int64_t column = 0; column < p.columns; column += 32)
    for (int64_t row = 0; row < p.rows; row += 8) {
      float* to = result + row * stride + column;
      Sums<8> block = add ? Sums<8>(to, stride, to + 16) : Sums<8>();
      const uint16_t* b = p.b + 2 * column;
      block.add(p.a + row * p.a_stride, p.a_stride, 2, b, b + 32, 2 * p.b_stride, p.depth / 2);
      block.store(to, stride, to + 16);
    }
}

}  // namespace

const Products kAvx512Products{nothing, nothing, multiply, accumulate, multiply_matrices};

}  // namespace sscvae::kernels::bfloat16

#endif
