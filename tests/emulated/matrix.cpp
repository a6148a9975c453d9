#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "sscvae/kernels/bfloat16_matrix.h"

// Products of matrices without AVX512_BF16, in the place of bfloat16_matrix.cpp.
namespace sscvae::kernels {

namespace {

void add_pairs(const at::BFloat16* factors, const at::BFloat16* pairs, int64_t count, float* sums) {
  const float even = factors[0], odd = factors[1];
  for (int64_t i = 0; i < count; ++i) {
    uint32_t pair;
    std::memcpy(&pair, pairs + 2 * i, sizeof(pair));
    sums[i] += even * std::bit_cast<float>(pair << 16) + odd * std::bit_cast<float>(pair & 0xffff0000U);
  }
}

}  // namespace

void multiply_bfloat16_matrices(const ProductShape& shape, const Bfloat16Matrix& a, const Bfloat16Matrix& b,
                                float* result, int64_t stride, bool accumulate) {
  std::vector<float> line(static_cast<size_t>(shape.columns));
  for (int64_t row = 0; row < shape.rows; ++row) {
    float* to = result + row * stride;
    if (accumulate) std::copy_n(to, shape.columns, line.begin());
    else std::fill(line.begin(), line.end(), 0.0F);
    for (int64_t k = 0; k < shape.depth; k += 2)
      add_pairs(a.values + row * a.stride + k, b.values + k * b.stride, shape.columns, line.data());
    std::copy(line.begin(), line.end(), to);
  }
}

void release_bfloat16_matrices() {}

}  // namespace sscvae::kernels
