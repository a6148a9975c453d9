// The shrinkage steps of unfolded iterations on a GPU. Includes CUDA headers and plain C++ only.
#include "sscvae/kernels/lista_kernel.cuh"

#include <cuda_runtime_api.h>

namespace {

using sscvae::kernels::ElementShare;
using sscvae::kernels::MatrixShape;

// A warp takes 32 neighbours of one row: its reads and writes are whole lines of memory.
constexpr unsigned kColumns = 32, kRows = 8;

__device__ ElementShare share_of_this_thread() {
  return {int64_t{blockIdx.x} * blockDim.y + threadIdx.y, int64_t{gridDim.x} * blockDim.y, threadIdx.x, blockDim.x};
}

template <class Step>
__global__ void run_step(MatrixShape shape, Step step) {
  sscvae::kernels::run_share(shape, step, share_of_this_thread());
}

template <class Step>
int launch(const MatrixShape& shape, const Step& step, cudaStream_t stream) {
  if (shape.rows == 0 || shape.columns == 0) return 0;
  constexpr int64_t kMostBlocks = 1 << 20;
  const int64_t blocks = (shape.rows + kRows - 1) / kRows;
  run_step<<<static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks), dim3(kColumns, kRows), 0, stream>>>(
      shape, step);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

namespace sscvae::kernels {

int launch_shrink_step(const MatrixShape& shape, const MatrixShrinkStep& step, CUstream_st* stream) {
  return launch(shape, step, stream);
}

int launch_gradient_step(const MatrixShape& shape, const MatrixGradientStep& step, CUstream_st* stream) {
  return launch(shape, step, stream);
}

const char* cuda_error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

}  // namespace sscvae::kernels
