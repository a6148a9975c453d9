// Noise of training batches on a GPU. Includes CUDA headers and plain C++ only.
#include "sscvae/kernels/noise_kernel.cuh"

#include <cuda_runtime_api.h>

namespace {

using sscvae::Ziggurat;
using sscvae::kernels::NoiseTile;
using sscvae::kernels::SampleNoise;

struct Block {
  template <class Work>
  __device__ void each(const Work& work) {
    work(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
};

__global__ void add_noise(Ziggurat ziggurat, const SampleNoise* noise, float* values, int64_t count) {
  __shared__ NoiseTile tile;
  __shared__ Ziggurat table;  // threads read different layers, which the memory of arguments serves one by one
  for (unsigned i = threadIdx.x; i < sizeof(Ziggurat) / sizeof(double); i += blockDim.x)
    reinterpret_cast<double*>(&table)[i] = reinterpret_cast<const double*>(&ziggurat)[i];
  __syncthreads();
  Block block;
  sscvae::kernels::add_sample_noise(block, tile, table, noise[blockIdx.x], values + blockIdx.x * count, count);
}

}  // namespace

namespace sscvae::kernels {

int launch_sample_noise(const Ziggurat& ziggurat, const SampleNoise* noise, float* values, int64_t samples,
                        int64_t count, CUstream_st* stream) {
  if (samples == 0 || count == 0) return 0;
  add_noise<<<static_cast<unsigned>(samples), kNoisePositions, 0, stream>>>(ziggurat, noise, values, count);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace sscvae::kernels
