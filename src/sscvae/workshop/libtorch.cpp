#include "sscvae/workshop/libtorch.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/headeronly/version.h>
#include <torch/types.h>

#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/models/network_autoencoder.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/lista_matrix.h"
#include "sscvae/train/training_step.h"

namespace sscvae::workshop {

namespace {

constexpr int64_t kMostThreads = 1024;

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
void set_float32_products(const runtime::ComputeOptions& options, c10::Device device) {
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

bool wants_channels_last(const runtime::Compute& compute) {
  return device_of(compute).is_cuda() && (compute.bf16 || compute.tf32);
}

Array on_the_cpu(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return tensor.detach().to(at::kCPU, tensor.is_floating_point() ? at::kFloat : tensor.scalar_type()).contiguous();
}

graph::PassValues values_of(const models::ForwardResult& result) {
  graph::PassValues values;
  values.features = on_the_cpu(result.features);
  values.threshold_inference = on_the_cpu(result.threshold_inference);
  values.threshold_refinement = on_the_cpu(result.threshold_refinement);
  values.threshold = on_the_cpu(result.threshold);
  values.code = on_the_cpu(result.code);
  values.coded_features = on_the_cpu(result.coded_features);
  values.logits = on_the_cpu(result.logits);
  values.reconstruction = on_the_cpu(result.reconstruction);
  values.mean = on_the_cpu(result.mean);
  values.log_variance = on_the_cpu(result.log_variance);
  values.indices = on_the_cpu(result.indices);
  return values;
}

/// The model as training runs it. On a GPU whose matrix units multiply (bf16, TF32), channels lie innermost, which is
/// what its convolutions are fastest with.
class LibTorchRunner : public runtime::Runner {
 public:
  LibTorchRunner(const runtime::Model& model, const runtime::Compute& compute, const runtime::RunnerSettings& settings)
      : compute_(compute), model_(models::trainable(model)) {
    network().set_threshold_scale(settings.strength);
    network().set_plain_iterations(settings.engine == "plain");
    model_->train(settings.train_mode);
    model_->to(device_of(compute_));
    if (wants_channels_last(compute_)) train::use_channels_last(*model_);
    if (settings.train_mode)
      for (const at::Tensor& buffer : model_->buffers()) kept_.emplace_back(buffer, buffer.clone());
  }

  graph::PassValues run(const Array& images, std::optional<double> sigma_8bit) override {
    graph::PassValues values;
    {
      const InferenceScope scope(compute_);
      if (network().knows_noise_levels())
        network().set_noise_levels(sigma_8bit ? std::span(&*sigma_8bit, 1) : std::span<const double>());
      at::Tensor there = as_tensor(images).to(device_of(compute_));
      if (wants_channels_last(compute_)) there = there.contiguous(at::MemoryFormat::ChannelsLast);
      values = values_of(model_->forward(there));
    }
    const at::NoGradGuard no_gradients;
    for (auto& [buffer, value] : kept_) buffer.copy_(value);
    return values;
  }

 private:
  models::NetworkAutoencoder& network() { return static_cast<models::NetworkAutoencoder&>(*model_); }
  runtime::Compute compute_;
  std::shared_ptr<models::Autoencoder> model_;
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;  // statistics of normalisation, which a pass must not change
};

class LibTorchBackend : public runtime::Backend {
 public:
  runtime::Compute resolve(const runtime::ComputeOptions& options) const override {
    runtime::Compute compute = runtime::checked_compute(options);
    if (options.threads > 0) at::set_num_threads(static_cast<int>(std::min<int64_t>(options.threads, kMostThreads)));
    c10::Device device(c10::kCPU);
    if (options.device == "auto") {
      if (cuda_devices() > 0) device = {c10::kCUDA, 0};
    } else if (options.device.starts_with("cuda")) {
      device = cuda_device(options.device);
    } else if (options.device != "cpu") {
      throw UsageError("--device: expected auto, cpu, cuda or cuda:<index>, got '" + options.device + "'" +
                       suggestion(options.device, {"auto", "cpu", "cuda"}));
    }
    set_float32_products(options, device);
    if (options.deterministic) make_deterministic(device);
    compute.device = device.str();
    return compute;
  }
  std::unique_ptr<runtime::Runner> make_runner(const runtime::Model& model, const runtime::Compute& compute,
                                               const runtime::RunnerSettings& settings) const override {
    return std::make_unique<LibTorchRunner>(model, compute, settings);
  }
};

}  // namespace

const runtime::Backend& libtorch_backend() {
  static const LibTorchBackend backend;
  return backend;
}

c10::Device device_of(const runtime::Compute& compute) { return c10::Device(compute.device); }

void expect_repeated_shapes(const runtime::Compute& compute) {
  if (device_of(compute).is_cuda() && !at::globalContext().deterministicAlgorithms())
    at::globalContext().setBenchmarkCuDNN(true);
}

struct InferenceScope::State {
  c10::InferenceMode no_gradients;
  c10::DeviceType device;
  bool autocast_before = false;
  at::ScalarType dtype_before = at::kBFloat16;
  bool bf16;
};

InferenceScope::InferenceScope(const runtime::Compute& compute) : state_(std::make_unique<State>()) {
  state_->device = device_of(compute).type();
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

void finish_work(c10::Device device) {
  if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.has_index() ? device.index() : 0);
}

tasks::Json libtorch_abilities() {
  return {{"libtorch", TORCH_VERSION},
          {"libtorch_path", at::get_cpu_capability()},
          {"mkl", at::hasMKL()},
          {"onednn", at::hasMKLDNN()},
          {"openmp", at::hasOpenMP()},
          {"cuda", at::hasCUDA()},
          {"cuda_devices", cuda_devices()},
          {"cuda_kernels", nn::lista_runs_on(c10::kCUDA)}};
}

tasks::Json libtorch_version() { return {{"libtorch", TORCH_VERSION}, {"libtorch_path", at::get_cpu_capability()}}; }

}  // namespace sscvae::workshop
