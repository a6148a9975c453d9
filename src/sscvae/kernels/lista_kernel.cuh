#pragma once

#include "sscvae/kernels/lista_elements.h"

struct CUstream_st;  // what a cudaStream_t points to: so that callers need no CUDA headers

/// The element-wise part of one step of unfolded shrinkage on a GPU, fused; the matrix product before it is cuBLAS's.
/// Pointers are to memory of the current device. Work is queued on `stream`. Both return a cudaError_t as a number, 0
/// for success.
namespace sscvae::kernels {

int launch_shrink_step(const MatrixShape& shape, const MatrixShrinkStep& step, CUstream_st* stream);
int launch_gradient_step(const MatrixShape& shape, const MatrixGradientStep& step, CUstream_st* stream);

/// What CUDA says about such a number.
const char* cuda_error_text(int error);

}  // namespace sscvae::kernels
