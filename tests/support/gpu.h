#pragma once

#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

/// What tests on a GPU share. Their label is `gpu`.
namespace sscvae::testing {

inline constexpr c10::DeviceType kGpu = c10::kCUDA;

/// Skips the test without a device. Float32 is float32: no shorter mantissas (TF32) in convolutions and products.
inline void use_exact_gpu() {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or a LibTorch without CUDA";
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override { use_exact_gpu(); }
};

}  // namespace sscvae::testing
