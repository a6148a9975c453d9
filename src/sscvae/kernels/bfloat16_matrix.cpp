#include "sscvae/kernels/bfloat16_matrix.h"

#include <ATen/native/CPUBlas.h>

namespace sscvae::kernels {

void multiply_bfloat16_matrices(const ProductShape& shape, const Bfloat16Matrix& a, const Bfloat16Matrix& b,
                                float* result, int64_t stride, bool accumulate) {
  at::native::cpublas::brgemm(shape.rows, shape.columns, shape.depth, a.stride, b.stride, stride, accumulate, a.values,
                              b.values, result, true);
}

void release_bfloat16_matrices() { at::native::cpublas::brgemm_release(true); }

}  // namespace sscvae::kernels
