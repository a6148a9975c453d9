#include "sscvae/tasks/compute.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::tasks {

namespace {

int64_t cuda_devices() { return at::hasCUDA() ? static_cast<int64_t>(at::detail::getCUDAHooks().deviceCount()) : 0; }

c10::Device cuda_device(const std::string& name) {
  int index = 0;
  if (name != "cuda") {
    const char* begin = name.data() + 5;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(begin, end, index);
    if (!name.starts_with("cuda:") || error != std::errc() || stop != end || index < 0)
      throw UsageError("--device: expected auto, cpu, cuda or cuda:<index>, got '" + name + "'");
  }
  if (!at::hasCUDA())
    throw UsageError("--device " + name +
                     (at::detail::getCUDAHooks().isBuilt()
                          ? ": there is no NVIDIA driver here, or no GPU that it can use"
                          : ": this LibTorch was built without CUDA"));
  if (index >= cuda_devices())
    throw UsageError(format("--device %s: this machine has %lld CUDA devices", name.c_str(),
                            static_cast<long long>(cuda_devices())));
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

/// LibTorch would shorten the mantissas in convolutions unasked.
void set_float32_products(const ComputeOptions& options, c10::Device device) {
  if (options.tf32 && !device.is_cuda())
    throw UsageError("--tf32: only GPUs multiply so, and the device is " + device.str());
  if (!device.is_cuda()) return;
  at::globalContext().setAllowTF32CuDNN(options.tf32);
  at::globalContext().setAllowTF32CuBLAS(options.tf32);
}

/// cuBLAS needs workspaces of a fixed size for it, and reads their size when it is first used.
void make_deterministic(c10::Device device) {
  at::set_num_threads(1);
  at::globalContext().setDeterministicAlgorithms(true, false);
  if (device.is_cuda()) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
}

}  // namespace

std::string Compute::text() const {
  return device.str() +
         (bf16   ? " bf16"
          : tf32 ? " tf32"
                 : " fp32") +
         (device.is_cpu() ? ", " + count_text(at::get_num_threads(), "thread") : std::string());
}

Compute resolve_compute(const ComputeOptions& options) {
  if (options.threads < 0)
    throw UsageError("--threads: expected a number >= 0, got " + std::to_string(options.threads));
  if (options.threads > 0) at::set_num_threads(static_cast<int>(std::min<int64_t>(options.threads, 1024)));
  Compute compute;
  if (options.device == "auto") {
    if (cuda_devices() > 0) compute.device = {c10::kCUDA, 0};
  } else if (options.device.starts_with("cuda")) {
    compute.device = cuda_device(options.device);
  } else if (options.device != "cpu") {
    throw UsageError("--device: expected auto, cpu, cuda or cuda:<index>, got '" + options.device + "'" +
                     suggestion(options.device, {"auto", "cpu", "cuda"}));
  }
  const std::vector<std::string> precisions{"auto", "fp32", "bf16"};
  if (std::find(precisions.begin(), precisions.end(), options.precision) == precisions.end())
    throw UsageError("--precision: expected auto, fp32 or bf16, got '" + options.precision + "'" +
                     suggestion(options.precision, precisions));
  compute.bf16 = options.precision == "bf16";
  compute.tf32 = options.tf32;
  set_float32_products(options, compute.device);
  if (options.deterministic) make_deterministic(compute.device);
  return compute;
}

void expect_repeated_shapes(const Compute& compute) {
  if (compute.device.is_cuda() && !at::globalContext().deterministicAlgorithms())
    at::globalContext().setBenchmarkCuDNN(true);
}

struct InferenceScope::State {
  c10::InferenceMode no_gradients;
  c10::DeviceType device;
  bool autocast_before = false;
  at::ScalarType dtype_before = at::kBFloat16;
  bool bf16;
};

InferenceScope::InferenceScope(const Compute& compute) : state_(std::make_unique<State>()) {
  state_->device = compute.device.type();
  state_->bf16 = compute.bf16;
  if (!compute.bf16) return;
  state_->autocast_before = at::autocast::is_autocast_enabled(state_->device);
  state_->dtype_before = at::autocast::get_autocast_dtype(state_->device);
  at::autocast::set_autocast_enabled(state_->device, true);
  at::autocast::set_autocast_dtype(state_->device, at::kBFloat16);
}

InferenceScope::~InferenceScope() {
  if (!state_->bf16) return;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(state_->device, state_->autocast_before);
  at::autocast::set_autocast_dtype(state_->device, state_->dtype_before);
}

}  // namespace sscvae::tasks
