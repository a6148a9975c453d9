#include "sscvae/workshop/mac_counter.h"

#include <ATen/record_function.h>
#include <torch/nn/module.h>

#include <atomic>
#include <optional>
#include <string>

#include "sscvae/nn/arrays.h"

namespace sscvae::workshop {

// Record-function callbacks are plain function pointers: they find the counter through this pointer. The callbacks
// belong to one thread and to those on which LibTorch runs its backward passes: one for each GPU.
struct MacCounter::State {
  int64_t macs = 0;
  int depth = 0;  // > 0 inside an operation that is already counted
  at::CallbackHandle handle = 0;

  static std::atomic<State*>& running() {
    static std::atomic<State*> state = nullptr;
    return state;
  }
};

namespace {

/// What of an operation's inputs the count needs; they are gone when it ends.
struct Scope : at::ObserverContext {
  bool counts = false;
  int64_t for_each = 0;                // multiply-adds of each of the numbers of the output ...
  std::optional<int64_t> macs_of_all;  // ... or of the whole operation
};

/// The kernel at every position [N,*,positions...].
int64_t convolution_macs(const at::Tensor& weight, at::IntArrayRef positions) {
  int64_t macs = weight.numel() * positions.at(0);
  for (size_t axis = 2; axis < positions.size(); ++axis) macs *= positions[axis];
  return macs;
}

at::Tensor tensor_at(c10::ArrayRef<const c10::IValue> inputs, size_t i) {
  return i < inputs.size() && inputs[i].isTensor() ? inputs[i].toTensor() : at::Tensor();
}

/// convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
void note_convolution(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  const at::Tensor input = tensor_at(inputs, 0), weight = tensor_at(inputs, 1);
  if (inputs.size() < 7 || !input.defined() || !weight.defined()) return;
  scope.counts = true;
  if (inputs[6].toBool()) scope.macs_of_all = convolution_macs(weight, input.sizes());
  else scope.for_each = weight.numel() / weight.size(0);
}

/// convolution_backward(gradient, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding,
/// groups, output_mask), the mask saying which of input, weight and bias get a gradient. Towards its input and towards
/// its weight a convolution costs what it cost forwards.
void note_convolution_backward(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  if (inputs.size() < 11 || !tensor_at(inputs, 0).defined()) return;
  scope.counts = true;
  const at::Tensor& positions = tensor_at(inputs, inputs[7].toBool() ? 1 : 0);
  const auto mask = inputs[10].toBoolList();
  scope.macs_of_all =
      (int64_t{mask.get(0)} + int64_t{mask.get(1)}) * convolution_macs(tensor_at(inputs, 2), positions.sizes());
}

/// A kernel of ours (nn/recorded.h): its weight and its multiply-adds.
void note_ours(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  if (inputs.size() != 2 || !tensor_at(inputs, 0).defined() || !inputs[1].isInt()) return;
  scope.counts = true;
  scope.macs_of_all = inputs[1].toInt();
}

/// Products have their factors behind what they add to; a left factor [.., n, k] costs k for each number of the result.
void note_product(Scope& scope, const std::string& operation, c10::ArrayRef<const c10::IValue> inputs) {
  const size_t first = operation.starts_with("add") || operation.starts_with("badd") ? 1 : 0;
  const at::Tensor left = tensor_at(inputs, first);
  if (!left.defined() || !tensor_at(inputs, first + 1).defined()) return;
  scope.counts = true;
  scope.for_each = left.size(-1);
}

void note_inputs(Scope& scope, const std::string& operation, c10::ArrayRef<const c10::IValue> inputs) {
  if (operation == "convolution") return note_convolution(scope, inputs);
  if (operation == "convolution_backward") return note_convolution_backward(scope, inputs);
  for (const char* product : {"mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addmv"})
    if (operation == product) return note_product(scope, operation, inputs);
}

}  // namespace

MacCounter::MacCounter() : state_(std::make_unique<State>()) {
  const auto start = [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
    auto scope = std::make_unique<Scope>();
    const std::string name = function.name();
    State* state = State::running();
    if (!state) return scope;
    if (name.starts_with("sscvae::")) note_ours(*scope, function.inputs());
    else if (name.starts_with("aten::")) note_inputs(*scope, name.substr(6), function.inputs());
    if (scope->counts) ++state->depth;
    return scope;
  };
  const auto end = [](const at::RecordFunction& function, at::ObserverContext* context) {
    State* state = State::running();
    const auto* scope = static_cast<const Scope*>(context);
    if (!state || !scope || !scope->counts || --state->depth > 0) return;
    if (scope->macs_of_all) state->macs += *scope->macs_of_all;
    else if (!function.outputs().empty() && function.outputs()[0].isTensor())
      state->macs += scope->for_each * function.outputs()[0].toTensor().numel();
  };
  state_->handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(start, end).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
  State::running() = state_.get();
}

MacCounter::~MacCounter() {
  State::running() = nullptr;
  at::removeCallback(state_->handle);
}

int64_t MacCounter::macs() const { return state_->macs; }

ParameterNames parameter_names(const torch::nn::Module& module) {
  ParameterNames names;
  for (const auto& item : module.named_parameters()) names.emplace(item.value().storage().data(), item.key());
  return names;
}

std::string layer_of(const ParameterNames& names, const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.has_storage()) return "";
  const auto found = names.find(tensor.storage().data());
  if (found == names.end()) return "";
  const std::string& key = found->second;
  return key.ends_with(".weight") ? key.substr(0, key.size() - 7) : key;
}

}  // namespace sscvae::workshop
