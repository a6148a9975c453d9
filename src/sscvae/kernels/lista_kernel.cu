// The shrinkage steps of unfolded iterations on a GPU. Plain CUDA C++: see lista_kernel.cuh.
#include "sscvae/kernels/lista_kernel.cuh"

namespace {

constexpr int kThreads = 256;

__device__ float shrunk(float v, float theta) {
  const float magnitude = fabsf(v) - theta;
  // Written so that not-a-number passes through.
  return magnitude <= 0.0F || v == 0.0F ? 0.0F : copysignf(magnitude, v);
}

__global__ void shrink_step(sscvae::kernels::CudaShrinkStep step, int64_t count) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride)
    step.code[i] = shrunk(step.product[i] + step.drive[i], step.threshold[i]);
}

__global__ void gradient_step(sscvae::kernels::CudaGradientStep step, int64_t count) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    const float code = step.code[i], outer = code == 0.0F ? 0.0F : step.gradient[i];
    step.outer[i] = outer;
    step.drive_gradient[i] += outer;
    step.threshold_gradient[i] -= code < 0.0F ? -outer : outer;
  }
}

unsigned blocks_for(int64_t count) {
  const int64_t blocks = (count + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < 4096 ? blocks : 4096);
}

}  // namespace

namespace sscvae::kernels {

int launch_shrink_step(const CudaShrinkStep& step, int64_t count, cudaStream_t stream) {
  if (count > 0) ::shrink_step<<<blocks_for(count), kThreads, 0, stream>>>(step, count);
  return static_cast<int>(cudaGetLastError());
}

int launch_gradient_step(const CudaGradientStep& step, int64_t count, cudaStream_t stream) {
  if (count > 0) ::gradient_step<<<blocks_for(count), kThreads, 0, stream>>>(step, count);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace sscvae::kernels
