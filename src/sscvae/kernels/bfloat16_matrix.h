#pragma once

#include <ATen/core/Tensor.h>

/// Products of whole bfloat16 matrices with float32 sums: LibTorch's, by AMX or AVX512_BF16. Only for processors that
/// have AVX512_BF16.
namespace sscvae::kernels {

struct ProductShape {
  int64_t rows, columns, depth;
};

/// Rows of A `stride` numbers apart; rows of pairs of B, [depth / 2][columns][2], `stride` pairs apart.
struct Bfloat16Matrix {
  const at::BFloat16* values;
  int64_t stride;
};

/// result = A B, or result += A B; its rows `stride` apart.
void multiply_bfloat16_matrices(const ProductShape& shape, const Bfloat16Matrix& a, const Bfloat16Matrix& b,
                                float* result, int64_t stride, bool accumulate);

/// Puts this thread's tiles back when it has done its products.
void release_bfloat16_matrices();

}  // namespace sscvae::kernels
