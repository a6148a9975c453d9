#include "sscvae/train/sample_noise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cstring>
#include <memory>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/lista_kernel.cuh"
#include "sscvae/kernels/noise_kernel.cuh"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/to_device.h"

#ifdef SSCVAE_CUDA_KERNELS  // set where CMake compiles noise_kernel.cu
#include <c10/core/DeviceGuard.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <string>

#endif

namespace sscvae::train {

namespace {

void add_on_cpu(const at::Tensor& values, const std::vector<SampleNoise>& noise) {
  const int64_t samples = values.size(0), count = samples == 0 ? 0 : values.numel() / samples;
  auto* data = values.mutable_data_ptr<float>();
  at::parallel_for(0, samples, 1, [&](int64_t begin, int64_t end) {
    const auto tile = std::make_unique<kernels::NoiseTile>();
    kernels::NoiseTeamOfOne team;
    for (int64_t i = begin; i < end; ++i)
      kernels::add_sample_noise(team, *tile, Ziggurat::table(), noise[static_cast<size_t>(i)], data + i * count, count);
  });
}

#ifdef SSCVAE_CUDA_KERNELS
void add_on_gpu(const at::Tensor& values, const std::vector<SampleNoise>& noise) {
  const c10::Device device = values.device();
  const c10::DeviceGuard guard(device);
  const int64_t samples = values.size(0), bytes = samples * static_cast<int64_t>(sizeof(SampleNoise));
  const at::Tensor here = at::empty({bytes}, at::kByte);
  std::memcpy(here.mutable_data_ptr(), noise.data(), static_cast<size_t>(bytes));
  const at::Tensor there = nn::to_device(here, device);
  const c10::Stream stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  const int error = kernels::launch_sample_noise(
      Ziggurat::table(), static_cast<const SampleNoise*>(there.const_data_ptr()), values.mutable_data_ptr<float>(),
      samples, samples == 0 ? 0 : values.numel() / samples, static_cast<CUstream_st*>(stream.native_handle()));
  if (error != 0) throw InternalError(std::string("noise on the GPU: ") + kernels::cuda_error_text(error));
}
#endif

}  // namespace

bool has_sample_noise(c10::DeviceType device) {
#ifdef SSCVAE_CUDA_KERNELS
  if (device == c10::kCUDA) return true;
#endif
  return device == c10::kCPU;
}

void add_sample_noise(const at::Tensor& values, const std::vector<SampleNoise>& noise) {
  if (values.scalar_type() != at::kFloat || !values.is_contiguous() || values.dim() < 1 ||
      values.size(0) != static_cast<int64_t>(noise.size()))
    throw ShapeError("noise: expected contiguous float32 values of " + std::to_string(noise.size()) + " samples, got " +
                     values.toString() + " " + shape_text(values));
  if (values.device().is_cpu()) return add_on_cpu(values, noise);
#ifdef SSCVAE_CUDA_KERNELS
  if (values.device().is_cuda()) return add_on_gpu(values, noise);
#endif
  throw ShapeError("noise: there is no kernel for " + values.device().str());
}

}  // namespace sscvae::train
