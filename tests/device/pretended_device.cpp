#include "device/pretended_device.h"
#include "sscvae/nn/arrays.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/NativeFunctions.h>
#include <ATen/detail/MTIAHooksInterface.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <sys/mman.h>
#include <torch/library.h>
#include <torch/types.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

namespace sscvae::testing {

namespace {

// A type that LibTorch knows, and whose tensors a module's can become, but for which no backend is there.
constexpr c10::DeviceType kType = c10::DeviceType::MTIA;
const c10::Device kDevice(kType, 0);

/// The same pages twice: at addresses that nobody may touch, which are the device's, and at others for the operations.
class Memory {
 public:
  static Memory& instance() {
    static auto* memory = new Memory;  // outlives tensors of static storage duration
    return *memory;
  }
  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    const size_t size = (bytes + kAlign - 1) / kAlign * kAlign;
    if (auto& free = free_[size]; !free.empty()) {
      char* const block = *free.begin();
      free.erase(free.begin());
      return block;
    }
    if (used_ + size > kBytes) throw std::runtime_error("the pretended device is out of memory");
    char* const block = device_ + used_;
    used_ += size;
    sizes_[block] = size;
    return block;
  }
  void give_back(void* block) {
    const std::lock_guard lock(mutex_);
    free_[sizes_.at(static_cast<char*>(block))].insert(static_cast<char*>(block));
  }
  /// Where the host finds what lies at an address of the device.
  template <class T>
  T* open(T* address) const {
    if (address == nullptr) return nullptr;
    return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(device_) +
                                reinterpret_cast<uintptr_t>(host_));
  }

 private:
  static constexpr size_t kBytes = size_t{2} << 30, kAlign = 256;  // reserved; pages exist once they are used
  Memory() {
    const int file = memfd_create("pretended device", 0);
    if (file < 0 || ftruncate(file, kBytes) != 0) throw std::runtime_error("no memory for the pretended device");
    device_ = static_cast<char*>(mmap(nullptr, kBytes, PROT_NONE, MAP_SHARED, file, 0));
    host_ = static_cast<char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    if (device_ == MAP_FAILED || host_ == MAP_FAILED) throw std::runtime_error("no memory for the pretended device");
  }
  std::mutex mutex_;
  char *device_ = nullptr, *host_ = nullptr;
  size_t used_ = 0;
  std::map<char*, size_t> sizes_;
  std::map<size_t, std::set<char*>> free_;
};

struct Allocator : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, kDevice};
    void* const block = Memory::instance().take(bytes);
    return {block, block, &release, kDevice};
  }
  static void release(void* block) { Memory::instance().give_back(block); }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(Memory::instance().open(static_cast<char*>(to)),
                Memory::instance().open(static_cast<const char*>(from)), count);
  }
};

Allocator& allocator() {
  static Allocator instance;
  return instance;
}

/// A CPU tensor over the same numbers.
at::Tensor opened(const at::Tensor& tensor) {
  if (tensor.numel() == 0)
    return at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU));
  void* const data = Memory::instance().open(static_cast<char*>(const_cast<void*>(tensor.const_data_ptr())));
  return at::from_blob(data, tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU));
}

at::Tensor make_strided(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type) {
  return at::detail::empty_strided_generic(sizes, strides, &allocator(), c10::DispatchKeySet(c10::DispatchKey::MTIA),
                                           type);
}

/// A new tensor of the device with the values of a CPU tensor.
at::Tensor moved(const at::Tensor& on_cpu) {
  if (!on_cpu.defined()) return on_cpu;
  const at::Tensor result = make_strided(on_cpu.sizes(), on_cpu.strides(), on_cpu.scalar_type());
  if (on_cpu.numel() > 0) opened(result).copy_(on_cpu);
  return result;
}

void count_wait(int64_t bytes) {
  ++device_traffic().waits;
  device_traffic().bytes_to_host += bytes;
}

/// Operations whose results the host has to know before it goes on.
bool makes_wait(const std::string& name) {
  for (const char* one :
       {"aten::_local_scalar_dense", "aten::nonzero", "aten::equal", "aten::masked_select", "aten::_unique2"})
    if (name == one) return true;
  return false;
}

/// Runs an operation on the CPU in the device's memory.
class Detour {
 public:
  explicit Detour(const c10::OperatorHandle& op) : op_(op), name_(op.schema().name()) {}

  void run(torch::jit::Stack* stack) {
    const at::AutoDispatchBelowAutograd below;
    const auto& arguments = op_.schema().arguments();
    const size_t first = stack->size() - arguments.size();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto* alias = arguments[i].alias_info();
      (*stack)[first + i] = open_value((*stack)[first + i], alias && alias->isWrite());
    }
    ++device_traffic().operations;
    if (makes_wait(name_)) count_wait(8);
    op_.callBoxed(stack);
    for (const Pair& pair : written_) write_back(pair);
    const size_t results = op_.schema().returns().size();
    for (size_t i = stack->size() - results; i < stack->size(); ++i) (*stack)[i] = close_value((*stack)[i]);
  }

 private:
  struct Pair {
    at::Tensor theirs, ours;
  };

  c10::IValue open_value(const c10::IValue& value, bool is_written) {
    if (value.isTensor()) return open_tensor(value.toTensor(), is_written);
    if (value.isTensorList()) {
      std::vector<at::Tensor> tensors = value.toTensorVector();
      for (at::Tensor& tensor : tensors) tensor = open_tensor(tensor, is_written);
      return tensors;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> tensors;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
        tensors.push_back(tensor ? std::optional<at::Tensor>(open_tensor(*tensor, false)) : tensor);
      return tensors;
    }
    if (value.isDevice()) return c10::Device(c10::kCPU);
    return value;
  }

  at::Tensor open_tensor(const at::Tensor& tensor, bool is_written) {
    if (!tensor.defined()) return tensor;
    if (tensor.device().type() != kType) {
      if (tensor.device().is_cpu() && tensor.dim() == 0 && !is_written) return tensor;
      throw std::runtime_error(name_ + ": expected all tensors on the same device, got one on the CPU");
    }
    // What the operation makes larger needs memory that it can make larger.
    const bool is_for_result = is_written && tensor.numel() == 0;
    const at::Tensor ours = is_for_result ? at::empty({0}, tensor.options().device(at::kCPU)) : opened(tensor);
    pairs_.push_back({tensor, ours});
    if (is_written) written_.push_back(pairs_.back());
    return ours;
  }

  static void write_back(const Pair& pair) {
    if (pair.theirs.sizes() == pair.ours.sizes()) return;
    const at::Tensor moved_result = moved(pair.ours);
    at::Tensor theirs = pair.theirs;
    theirs.unsafeGetTensorImpl()->set_storage_keep_dtype(moved_result.storage());
    theirs.unsafeGetTensorImpl()->set_sizes_and_strides(moved_result.sizes(), moved_result.strides());
  }

  c10::IValue close_value(const c10::IValue& value) {
    if (value.isTensor()) return close_tensor(value.toTensor());
    if (value.isTensorList()) {
      std::vector<at::Tensor> tensors = value.toTensorVector();
      for (at::Tensor& tensor : tensors) tensor = close_tensor(tensor);
      return tensors;
    }
    return value;
  }

  at::Tensor close_tensor(const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    for (const Pair& pair : pairs_)
      if (pair.ours.is_same(tensor)) return pair.theirs;
    return moved(tensor);
  }

  const c10::OperatorHandle& op_;
  const std::string name_;
  std::vector<Pair> pairs_, written_;
};

void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) { Detour(op).run(stack); }

at::Tensor make_empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                      std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &allocator(), c10::DispatchKeySet(c10::DispatchKey::MTIA),
                                   type.value_or(at::kFloat), format);
}

at::Tensor make_empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type,
                              std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return make_strided(sizes, strides, type.value_or(at::kFloat));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  const auto open = [](const at::Tensor& tensor) { return tensor.device().type() == kType ? opened(tensor) : tensor; };
  if (to.device().is_cpu()) count_wait(static_cast<int64_t>(from.nbytes()));
  if (to.numel() > 0) open(to).copy_(open(from));
  return to;
}

const at::Tensor& resize(const at::Tensor& self, at::IntArrayRef sizes, std::optional<at::MemoryFormat>) {
  if (self.sizes() == sizes) return self;
  if (self.numel() > 0) throw std::runtime_error("resize_: only of empty tensors");
  const at::Tensor fresh = make_empty(sizes, self.scalar_type(), {}, {}, {}, {});
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
  self.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  return self;
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                    at::IntArrayRef output_padding, int64_t groups) {
  ++device_traffic().operations;
  const std::optional<at::Tensor> own_bias = bias && bias->defined() ? std::optional(opened(*bias)) : std::nullopt;
  return moved(at::convolution(opened(x), opened(weight), own_bias, stride, padding, dilation, transposed,
                               output_padding, groups));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolve_back(const at::Tensor& gradient, const at::Tensor& x,
                                                             const at::Tensor& weight, at::IntArrayRef stride,
                                                             at::IntArrayRef padding, at::IntArrayRef dilation,
                                                             bool transposed, at::IntArrayRef output_padding,
                                                             int64_t groups, std::array<bool, 3> wanted) {
  ++device_traffic().operations;
  const int64_t outs = gradient.size(1);
  auto [dx, dw, db] = at::convolution_backward(opened(gradient), opened(x), opened(weight), at::IntArrayRef{outs},
                                               stride, padding, dilation, transposed, output_padding, groups, wanted);
  return {moved(dx), moved(dw), moved(db)};
}

void register_operations(torch::Library& library) {
  library.impl("empty.memory_format", TORCH_FN(make_empty));
  library.impl("empty_strided", TORCH_FN(make_empty_strided));
  library.impl("as_strided", TORCH_FN(at::native::as_strided_tensorimpl));
  library.impl("view", TORCH_FN(at::native::view));
  library.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  library.impl("unfold", TORCH_FN(at::native::unfold));
  library.impl("resize_", TORCH_FN(resize));
  library.impl("_copy_from", TORCH_FN(copy_from));
  library.impl("convolution_overrideable", TORCH_FN(convolve));
  library.impl("convolution_backward_overrideable", TORCH_FN(convolve_back));
}

TORCH_LIBRARY_IMPL(aten, MTIA, library) { register_operations(library); }
TORCH_LIBRARY_IMPL(_, MTIA, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>()); }

/// One device with one stream, whose work is done by the time that it is queued.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override { return kDevice; }
  c10::Device getDevice() const override { return kDevice; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, kDevice); }
  c10::Stream exchangeStream(c10::Stream) const override { return c10::Stream(c10::Stream::DEFAULT, kDevice); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
};
C10_REGISTER_GUARD_IMPL(MTIA, Guard)

kernels::MatrixShrinkStep opened_step(const kernels::MatrixShrinkStep& step) {
  const Memory& memory = Memory::instance();
  return {memory.open(step.product), memory.open(step.drive), memory.open(step.threshold), memory.open(step.code)};
}
kernels::MatrixGradientStep opened_step(const kernels::MatrixGradientStep& step) {
  const Memory& memory = Memory::instance();
  return {memory.open(step.code), memory.open(step.gradient), memory.open(step.outer), memory.open(step.drive_gradient),
          memory.open(step.threshold_gradient)};
}

template <class Step>
void run_step(c10::Device, const kernels::MatrixShape& shape, const Step& step) {
  kernels::run_share(shape, opened_step(step), {0, 1, 0, 1});
}

}  // namespace

c10::Device pretended_device() { return kDevice; }

DeviceTraffic& device_traffic() {
  static DeviceTraffic traffic;
  return traffic;
}

const nn::ListaSteps& pretended_lista_steps() {
  static constexpr nn::ListaSteps steps{run_step<kernels::MatrixShrinkStep>, run_step<kernels::MatrixGradientStep>};
  return steps;
}

}  // namespace sscvae::testing

namespace at {

/// What backward passes and torch::manual_seed ask of an accelerator; LibTorch finds it by its name.
struct MTIAHooks : MTIAHooksInterface {
  bool hasMTIA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return 1; }
  const Generator& getDefaultGenerator(DeviceIndex) const override { return detail::getDefaultCPUGenerator(); }
};
REGISTER_MTIA_HOOKS(MTIAHooks)

}  // namespace at
