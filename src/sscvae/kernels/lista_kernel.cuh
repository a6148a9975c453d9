#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

/// The element-wise part of one step of unfolded shrinkage on a GPU, fused; the matrix product before it is cuBLAS's.
/// Device pointers to `count` floats each. Both return a cudaError_t as a number, 0 for success.
namespace sscvae::kernels {

/// code = S_theta(product + drive), as ShrinkStep in lista_simd.h says. `code` may be `product`.
struct CudaShrinkStep {
  const float *product, *drive, *threshold;
  float* code;
};
int launch_shrink_step(const CudaShrinkStep& step, int64_t count, cudaStream_t stream);

/// Backwards, as GradientStep in lista_simd.h says. `outer` may be `gradient`.
struct CudaGradientStep {
  const float *code, *gradient;
  float *outer, *drive_gradient, *threshold_gradient;
};
int launch_gradient_step(const CudaGradientStep& step, int64_t count, cudaStream_t stream);

}  // namespace sscvae::kernels
