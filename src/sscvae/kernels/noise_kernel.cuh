#pragma once

#include "sscvae/kernels/noise_elements.h"

struct CUstream_st;  // what a cudaStream_t points to: so that callers need no CUDA headers

namespace sscvae::kernels {

/// noise_elements.h on a GPU, one block for each sample: values [samples,count], noise [samples], both in the memory of
/// the current device. Work is queued on `stream`. Returns a cudaError_t as a number, 0 for success.
int launch_sample_noise(const Ziggurat& ziggurat, const SampleNoise* noise, float* values, int64_t samples,
                        int64_t count, CUstream_st* stream);

}  // namespace sscvae::kernels
