#pragma once

/// Marks what nvcc compiles for both sides, and nothing elsewhere: the arithmetic of a GPU that a CPU can test.
#ifdef __CUDACC__
#define SSCVAE_HOST_DEVICE __host__ __device__
#else
#define SSCVAE_HOST_DEVICE
#endif
