#include "sscvae/tasks/mac_counter.h"

#include <ATen/record_function.h>
#include <torch/nn/module.h>

#include <atomic>
#include <functional>
#include <numeric>

#include "sscvae/nn/arrays.h"

namespace sscvae::tasks {

// Record-function callbacks are plain function pointers: they find the counter through this pointer. The callbacks
// belong to one thread and to those on which LibTorch runs its backward passes: one for each GPU.
struct MacCounter::State {
  ParameterNames names;
  CountingRule rule;
  std::vector<LayerCost> layers;
  int64_t macs = 0;
  int depth = 0;  // > 0 inside an operation that is already counted
  at::CallbackHandle handle = 0;

  static std::atomic<State*>& running() {
    static std::atomic<State*> state = nullptr;
    return state;
  }
  void add(LayerCost cost);
};

void MacCounter::State::add(LayerCost cost) {
  macs += cost.macs;
  for (LayerCost& earlier : layers)
    if (cost.parameters == 0 && earlier.name == cost.name && earlier.operation == cost.operation &&
        earlier.output_shape == cost.output_shape && earlier.macs / earlier.calls == cost.macs) {
      ++earlier.calls;
      earlier.macs += cost.macs;
      earlier.output_bytes += cost.output_bytes;
      return;
    }
  layers.push_back(std::move(cost));
}

namespace {

/// What of an operation's inputs the count needs; they are gone when it ends.
struct Scope : at::ObserverContext {
  enum class Kind { kNone, kConvolution, kConvolutionBackward, kProduct, kElementwise, kOurs } kind = Kind::kNone;
  std::string operation;
  std::vector<int64_t> input_shape;  // of a convolution or an element-wise operation
  at::Tensor weight;                 // of a convolution, or the right factor
  at::Tensor left;                   // left factor
  bool has_bias = false, transposed = false;
  int64_t gradients = 0;                // how many a backward convolution makes
  std::vector<int64_t> gradient_shape;  // of the one that comes in
  int64_t macs = 0;                     // of a kernel of ours, which says so itself
};

std::string name_of(const ParameterNames& names, const at::Tensor& tensor, const std::string& otherwise) {
  const std::string layer = layer_of(names, tensor);
  return layer.empty() ? otherwise : layer;
}

/// The kernel at every position [N,*,positions...].
int64_t convolution_macs(const at::Tensor& weight, const std::vector<int64_t>& positions) {
  int64_t macs = weight.numel() * positions.at(0);
  for (size_t axis = 2; axis < positions.size(); ++axis) macs *= positions[axis];
  return macs;
}

LayerCost convolution_cost(const ParameterNames& names, CountingRule rule, const Scope& scope,
                           const at::Tensor& output) {
  const bool at_input = scope.transposed && rule == CountingRule::kExact;
  int64_t macs = convolution_macs(scope.weight, at_input ? scope.input_shape : output.sizes().vec());
  if (scope.has_bias && rule == CountingRule::kPtflops) macs += output.numel();
  return {name_of(names, scope.weight, "convolution"),
          scope.transposed ? "transposed convolution" : "convolution",
          output.sizes().vec(),
          1,
          scope.weight.numel() + (scope.has_bias ? output.size(1) : 0),
          macs,
          static_cast<int64_t>(output.nbytes())};
}

/// Towards its input and towards its weight a convolution costs what it cost forwards.
LayerCost convolution_backward_cost(const ParameterNames& names, const Scope& scope) {
  const int64_t each = convolution_macs(scope.weight, scope.transposed ? scope.input_shape : scope.gradient_shape);
  return {name_of(names, scope.weight, "convolution"),
          "convolution backward",
          scope.gradient_shape,
          1,
          0,
          scope.gradients * each,
          0};
}

/// A left factor [.., n, k] costs k for each element of the result.
LayerCost product_cost(const ParameterNames& names, const Scope& scope, const at::Tensor& output) {
  const bool owned = !layer_of(names, scope.weight).empty();
  return {name_of(names, scope.weight, name_of(names, scope.left, scope.operation)),
          "matrix product",
          output.sizes().vec(),
          1,
          owned ? scope.weight.numel() : 0,
          output.numel() * scope.left.size(-1),
          static_cast<int64_t>(output.nbytes())};
}

/// What ptflops 0.7.1 to 0.7.4 takes for one number of the input: normalisation is a scale and a shift; ReLU and
/// pooling count twice, as a layer and as the function that the layer calls. 0 for what it does not count.
int64_t ptflops_per_element(const std::string& operation) {
  static const std::map<std::string, int64_t> table{
      {"batch_norm", 2}, {"group_norm", 2}, {"relu", 2}, {"max_pool2d", 2}, {"softmax", 1}};
  const auto found = table.find(operation);
  return found == table.end() ? 0 : found->second;
}

LayerCost elementwise_cost(const Scope& scope, const at::Tensor& output) {
  const int64_t elements =
      std::accumulate(scope.input_shape.begin(), scope.input_shape.end(), int64_t{1}, std::multiplies<>());
  return {scope.operation,
          "element-wise",
          output.sizes().vec(),
          1,
          0,
          elements * ptflops_per_element(scope.operation),
          static_cast<int64_t>(output.nbytes())};
}

at::Tensor tensor_at(c10::ArrayRef<const c10::IValue> inputs, size_t i) {
  return i < inputs.size() && inputs[i].isTensor() ? inputs[i].toTensor() : at::Tensor();
}

/// convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
void note_convolution(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  if (inputs.size() < 7 || !tensor_at(inputs, 0).defined() || !tensor_at(inputs, 1).defined()) return;
  scope.kind = Scope::Kind::kConvolution;
  scope.input_shape = tensor_at(inputs, 0).sizes().vec();
  scope.weight = tensor_at(inputs, 1);
  scope.has_bias = tensor_at(inputs, 2).defined();
  scope.transposed = inputs[6].toBool();
}

/// convolution_backward(gradient, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding,
/// groups, output_mask), the mask saying which of input, weight and bias get a gradient.
void note_convolution_backward(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  if (inputs.size() < 11 || !tensor_at(inputs, 0).defined()) return;
  scope.kind = Scope::Kind::kConvolutionBackward;
  scope.gradient_shape = tensor_at(inputs, 0).sizes().vec();
  scope.input_shape = tensor_at(inputs, 1).sizes().vec();
  scope.weight = tensor_at(inputs, 2);
  scope.transposed = inputs[7].toBool();
  const auto mask = inputs[10].toBoolList();
  scope.gradients = int64_t{mask.get(0)} + int64_t{mask.get(1)};
}

/// A kernel of ours (nn/recorded.h): its weight and its multiply-adds.
void note_ours(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  if (inputs.size() != 2 || !tensor_at(inputs, 0).defined() || !inputs[1].isInt()) return;
  scope.kind = Scope::Kind::kOurs;
  scope.weight = tensor_at(inputs, 0);
  scope.macs = inputs[1].toInt();
}

LayerCost cost_of_ours(const ParameterNames& names, const Scope& scope) {
  return {name_of(names, scope.weight, scope.operation), scope.operation, {}, 1, 0, scope.macs, 0};
}

/// Products have their factors behind what they add to.
void note_inputs(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  if (scope.operation == "convolution") return note_convolution(scope, inputs);
  if (scope.operation == "convolution_backward") return note_convolution_backward(scope, inputs);
  if (ptflops_per_element(scope.operation) > 0) {
    if (!tensor_at(inputs, 0).defined()) return;
    scope.kind = Scope::Kind::kElementwise;
    scope.input_shape = tensor_at(inputs, 0).sizes().vec();
    return;
  }
  const size_t first = scope.operation.starts_with("add") || scope.operation.starts_with("badd") ? 1 : 0;
  if (!tensor_at(inputs, first).defined() || !tensor_at(inputs, first + 1).defined()) return;
  scope.kind = Scope::Kind::kProduct;
  scope.left = tensor_at(inputs, first);
  scope.weight = tensor_at(inputs, first + 1);
}

bool is_counted(const std::string& operation, CountingRule rule) {
  if (rule == CountingRule::kPtflops && ptflops_per_element(operation) > 0) return true;
  for (const char* name :
       {"convolution", "convolution_backward", "mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addmv"})
    if (operation == name) return true;
  return false;
}

}  // namespace

MacCounter::MacCounter(ParameterNames names, CountingRule rule) : state_(std::make_unique<State>()) {
  state_->names = std::move(names);
  state_->rule = rule;
  const auto start = [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
    auto scope = std::make_unique<Scope>();
    const std::string name = function.name();
    State* state = State::running();
    if (!state) return scope;
    if (name.starts_with("sscvae::")) {
      scope->operation = name.substr(8);
      note_ours(*scope, function.inputs());
    } else if (name.starts_with("aten::") && is_counted(name.substr(6), state->rule)) {
      scope->operation = name.substr(6);
      note_inputs(*scope, function.inputs());
    }
    if (scope->kind != Scope::Kind::kNone) ++state->depth;
    return scope;
  };
  const auto end = [](const at::RecordFunction& function, at::ObserverContext* context) {
    State* state = State::running();
    const auto* scope = static_cast<const Scope*>(context);
    if (!state || !scope || scope->kind == Scope::Kind::kNone || --state->depth > 0) return;
    if (scope->kind == Scope::Kind::kOurs) return state->add(cost_of_ours(state->names, *scope));
    if (scope->kind == Scope::Kind::kConvolutionBackward)
      return state->add(convolution_backward_cost(state->names, *scope));
    if (function.outputs().empty() || !function.outputs()[0].isTensor()) return;
    const at::Tensor output = function.outputs()[0].toTensor();
    if (scope->kind == Scope::Kind::kConvolution)
      state->add(convolution_cost(state->names, state->rule, *scope, output));
    else if (scope->kind == Scope::Kind::kElementwise) state->add(elementwise_cost(*scope, output));
    else state->add(product_cost(state->names, *scope, output));
  };
  state_->handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(start, end).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
  State::running() = state_.get();
}

MacCounter::~MacCounter() {
  State::running() = nullptr;
  at::removeCallback(state_->handle);
}

const std::vector<LayerCost>& MacCounter::layers() const { return state_->layers; }
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

}  // namespace sscvae::tasks
