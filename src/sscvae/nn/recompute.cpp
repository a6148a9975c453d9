#include "sscvae/nn/recompute.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/core/error.h"

namespace sscvae::nn {

namespace {

using Part = std::function<at::Tensor(const at::Tensor&)>;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Automatic casting as it was at another time, while it lives.
class AutocastAs {
 public:
  AutocastAs(c10::DeviceType device, bool enabled, at::ScalarType type)
      : device_(device),
        was_enabled_(at::autocast::is_autocast_enabled(device)),
        old_type_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device_, enabled);
    at::autocast::set_autocast_dtype(device_, type);
  }
  ~AutocastAs() {
    if (!was_enabled_) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, was_enabled_);
    at::autocast::set_autocast_dtype(device_, old_type_);
  }
  AutocastAs(const AutocastAs&) = delete;
  AutocastAs& operator=(const AutocastAs&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
  at::ScalarType old_type_;
};

/// Puts buffers back when it dies.
class BuffersKept {
 public:
  explicit BuffersKept(std::vector<at::Tensor> buffers) : buffers_(std::move(buffers)) {
    for (const at::Tensor& buffer : buffers_) values_.push_back(buffer.clone());
  }
  ~BuffersKept() {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(values_[i]);
  }
  BuffersKept(const BuffersKept&) = delete;
  BuffersKept& operator=(const BuffersKept&) = delete;

 private:
  std::vector<at::Tensor> buffers_, values_;
};

/// What the second run needs to know of the first.
struct Memory : torch::CustomClassHolder {
  Memory(std::vector<at::Tensor> kept, Part what) : buffers(std::move(kept)), part(std::move(what)) {}
  std::vector<at::Tensor> buffers;
  Part part;
  c10::DeviceType device = c10::DeviceType::CPU;
  bool autocast = false;
  at::ScalarType autocast_type = at::kBFloat16;
};

struct Recompute : torch::autograd::Function<Recompute> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, c10::intrusive_ptr<Memory> memory) {
    context->save_for_backward({x});
    // With gradients, so that the same operations run as in the second pass; the graph is dropped at once.
    const at::AutoGradMode gradients(true);
    const at::Tensor y = memory->part(x.detach().requires_grad_(true)).detach();
    context->saved_data["memory"] = c10::IValue::make_capsule(std::move(memory));
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (at::GradMode::is_enabled()) throw UsageError("recomputed parts have no second derivatives");
    const auto capsule = context->saved_data["memory"].toCapsule();
    auto& memory = static_cast<Memory&>(*capsule);
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_(true);
    const at::AutoGradMode with_gradients(true);
    const BuffersKept buffers(memory.buffers);  // until after the backward pass, which may have saved them
    at::Tensor y;
    {
      const AutocastAs autocast(memory.device, memory.autocast, memory.autocast_type);
      y = memory.part(x);
    }
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recompute(const std::vector<at::Tensor>& buffers, const Part& part, const at::Tensor& x) {
  if (!at::GradMode::is_enabled() || !x.requires_grad()) return part(x);
  auto memory = c10::make_intrusive<Memory>(buffers, part);
  memory->device = x.device().type();
  memory->autocast = at::autocast::is_autocast_enabled(memory->device);
  memory->autocast_type = at::autocast::get_autocast_dtype(memory->device);
  return Recompute::apply(x, memory);
}

}  // namespace sscvae::nn
