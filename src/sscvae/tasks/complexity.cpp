#include "sscvae/tasks/complexity.h"

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/sparse_coder.h"
#include "sscvae/tasks/model_source.h"

namespace sscvae::tasks {

namespace {

/// Adds up tensor memory as the CPU allocator reports it.
class MemoryMeter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    current_ += size;
    peak_ = std::max(peak_, current_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  int64_t current_ = 0, peak_ = 0;
};

/// The state of one counting pass. Record-function callbacks are plain function pointers, so the pass that is running
/// is found through a thread-local pointer.
struct Counter {
  std::map<const void*, std::string> names;  // of parameters, by their memory
  CountingRule rule;
  std::vector<LayerCost> layers;
  int depth = 0;  // > 0 inside an operation that is already counted
};

Counter*& running() {
  thread_local Counter* counter = nullptr;
  return counter;
}

/// What of an operation's inputs the count needs; they are gone when it ends.
struct Scope : at::ObserverContext {
  enum class Kind { kNone, kConvolution, kProduct, kElementwise } kind = Kind::kNone;
  std::string operation;
  std::vector<int64_t> input_shape;  // of a convolution or an element-wise operation
  at::Tensor weight;                 // of a convolution, or the right factor
  at::Tensor left;                   // left factor
  bool has_bias = false, transposed = false;
};

std::string layer_name(const Counter& counter, const at::Tensor& weight, const std::string& otherwise) {
  const auto found = weight.defined() ? counter.names.find(weight.storage().data()) : counter.names.end();
  if (found == counter.names.end()) return otherwise;
  const std::string& key = found->second;
  return key.ends_with(".weight") ? key.substr(0, key.size() - 7) : key;
}

void add(Counter& counter, LayerCost cost) {
  for (LayerCost& earlier : counter.layers)
    if (cost.parameters == 0 && earlier.name == cost.name && earlier.output_shape == cost.output_shape &&
        earlier.macs / earlier.calls == cost.macs) {
      ++earlier.calls;
      earlier.macs += cost.macs;
      earlier.output_bytes += cost.output_bytes;
      return;
    }
  counter.layers.push_back(std::move(cost));
}

void count_convolution(Counter& counter, const Scope& scope, const at::Tensor& output) {
  const bool at_input = scope.transposed && counter.rule == CountingRule::kExact;
  const std::vector<int64_t> positions = at_input ? scope.input_shape : output.sizes().vec();
  int64_t macs = scope.weight.numel() * positions.at(0);
  for (size_t axis = 2; axis < positions.size(); ++axis) macs *= positions[axis];
  if (scope.has_bias && counter.rule == CountingRule::kPtflops) macs += output.numel();
  add(counter,
      {layer_name(counter, scope.weight, "convolution"), scope.transposed ? "transposed convolution" : "convolution",
       output.sizes().vec(), 1, scope.weight.numel() + (scope.has_bias ? output.size(1) : 0), macs,
       static_cast<int64_t>(output.nbytes())});
}

/// A left factor [.., n, k] costs k for each element of the result.
void count_product(Counter& counter, const Scope& scope, const at::Tensor& output) {
  const std::string name = layer_name(counter, scope.weight, layer_name(counter, scope.left, scope.operation));
  const bool owned = name != scope.operation && counter.names.count(scope.weight.storage().data()) > 0;
  add(counter, {name, "matrix product", output.sizes().vec(), 1, owned ? scope.weight.numel() : 0,
                output.numel() * scope.left.size(-1), static_cast<int64_t>(output.nbytes())});
}

/// What ptflops 0.7.1 to 0.7.4 takes for one number of the input: normalisation is a scale and a shift; ReLU and
/// pooling count twice, as a layer and as the function that the layer calls. 0 for what it does not count.
int64_t ptflops_per_element(const std::string& operation) {
  static const std::map<std::string, int64_t> table{
      {"batch_norm", 2}, {"group_norm", 2}, {"relu", 2}, {"max_pool2d", 2}, {"softmax", 1}};
  const auto found = table.find(operation);
  return found == table.end() ? 0 : found->second;
}

void count_elementwise(Counter& counter, const Scope& scope, const at::Tensor& output) {
  const int64_t elements =
      std::accumulate(scope.input_shape.begin(), scope.input_shape.end(), int64_t{1}, std::multiplies<>());
  add(counter, {scope.operation, "element-wise", output.sizes().vec(), 1, 0,
                elements * ptflops_per_element(scope.operation), static_cast<int64_t>(output.nbytes())});
}

/// aten::convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups), or a product
/// whose factors begin at input `first`.
void note_inputs(Scope& scope, c10::ArrayRef<const c10::IValue> inputs) {
  const auto tensor = [&](size_t i) {
    return i < inputs.size() && inputs[i].isTensor() ? inputs[i].toTensor() : at::Tensor();
  };
  if (scope.operation == "convolution" && inputs.size() >= 7 && tensor(0).defined() && tensor(1).defined()) {
    scope.kind = Scope::Kind::kConvolution;
    scope.input_shape = tensor(0).sizes().vec();
    scope.weight = tensor(1);
    scope.has_bias = tensor(2).defined();
    scope.transposed = inputs[6].toBool();
    return;
  }
  if (ptflops_per_element(scope.operation) > 0) {
    if (!tensor(0).defined()) return;
    scope.kind = Scope::Kind::kElementwise;
    scope.input_shape = tensor(0).sizes().vec();
    return;
  }
  const size_t first = scope.operation.starts_with("add") || scope.operation.starts_with("badd") ? 1 : 0;
  if (scope.operation == "convolution" || !tensor(first).defined() || !tensor(first + 1).defined()) return;
  scope.kind = Scope::Kind::kProduct;
  scope.left = tensor(first);
  scope.weight = tensor(first + 1);
}

bool is_counted(const std::string& operation, CountingRule rule) {
  if (rule == CountingRule::kPtflops && ptflops_per_element(operation) > 0) return true;
  for (const char* name : {"convolution", "mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addmv"})
    if (operation == name) return true;
  return false;
}

std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& function) {
  auto scope = std::make_unique<Scope>();
  const std::string name = function.name();
  Counter* counter = running();
  if (!counter || !name.starts_with("aten::") || !is_counted(name.substr(6), counter->rule)) return scope;
  scope->operation = name.substr(6);
  note_inputs(*scope, function.inputs());
  if (scope->kind != Scope::Kind::kNone) ++counter->depth;
  return scope;
}

void on_end(const at::RecordFunction& function, at::ObserverContext* context) {
  Counter* counter = running();
  const auto* scope = static_cast<const Scope*>(context);
  if (!counter || !scope || scope->kind == Scope::Kind::kNone || --counter->depth > 0) return;
  if (function.outputs().empty() || !function.outputs()[0].isTensor()) return;
  const at::Tensor output = function.outputs()[0].toTensor();
  switch (scope->kind) {
    case Scope::Kind::kConvolution:
      return count_convolution(*counter, *scope, output);
    case Scope::Kind::kElementwise:
      return count_elementwise(*counter, *scope, output);
    default:
      return count_product(*counter, *scope, output);
  }
}

/// Lets the callbacks count for this counter while it lives.
class Counting {
 public:
  explicit Counting(Counter& counter)
      : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(on_start, on_end)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {
    running() = &counter;
  }
  ~Counting() {
    running() = nullptr;
    at::removeCallback(handle_);
  }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

 private:
  at::CallbackHandle handle_;
};

/// Lets all sparse coders of the model iterate by plain operations, which can be counted, while it lives.
class PlainIterations {
 public:
  explicit PlainIterations(models::Autoencoder& model) {
    for (const auto& module : model.modules(false))
      if (auto* coder = dynamic_cast<nn::SparseCoderImpl*>(module.get()); coder && !coder->plain_iterations())
        changed_.push_back(coder);
    for (nn::SparseCoderImpl* coder : changed_) coder->set_plain_iterations(true);
  }
  ~PlainIterations() {
    for (nn::SparseCoderImpl* coder : changed_) coder->set_plain_iterations(false);
  }
  PlainIterations(const PlainIterations&) = delete;
  PlainIterations& operator=(const PlainIterations&) = delete;

 private:
  std::vector<nn::SparseCoderImpl*> changed_;
};

std::pair<int64_t, int64_t> parse_size(const std::string& text) {
  const std::vector<std::string> parts = split(text, 'x');
  int64_t values[2] = {};
  bool good = parts.size() == 2;
  for (size_t i = 0; good && i < 2; ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto result = std::from_chars(parts[i].data(), end, values[i]);
    good = result.ec == std::errc() && result.ptr == end && values[i] >= 1 && values[i] <= 16384;
  }
  if (!good) throw UsageError("--size: expected HEIGHTxWIDTH with 1 to 16384 pixels each, got '" + text + "'");
  return {values[0], values[1]};
}

CountingRule parse_rule(const std::string& text) {
  if (text == "exact") return CountingRule::kExact;
  if (text == "ptflops") return CountingRule::kPtflops;
  throw UsageError("--rule: expected exact or ptflops, got '" + text + "'" + suggestion(text, {"exact", "ptflops"}));
}

std::string shape_of(const std::vector<int64_t>& shape) {
  std::vector<std::string> parts;
  for (const int64_t size : shape) parts.push_back(std::to_string(size));
  return join(parts, "x");
}

/// What the figures mean, for the reader of a report.
std::string text_of(CountingRule rule) {
  const std::string common =
      "multiply-adds of convolutions and matrix products, kernel taps on padding included; FLOPs = 2 MACs; ";
  return common +
         (rule == CountingRule::kExact
              ? "transposed convolutions at input positions; element-wise work, norms and pooling not counted"
              : "transposed convolutions at output positions; biases, norms (2 for each input), ReLU and pooling "
                "(2, as a layer and as its function) and softmax (1) counted as ptflops 0.7.1 to 0.7.4 does");
}

}  // namespace

Complexity measure_complexity(models::Autoencoder& model, int64_t height, int64_t width, CountingRule rule) {
  Counter counter;
  counter.rule = rule;
  Complexity result;
  for (const auto& item : model.named_parameters()) {
    counter.names.emplace(item.value().storage().data(), item.key());
    result.parameters += item.value().numel();
  }
  for (const at::Tensor& buffer : model.buffers()) result.buffers += buffer.numel();
  model.eval();
  const c10::InferenceMode no_gradients;
  const at::Tensor ramp = at::arange(height * width, at::kFloat).mul(0.618034).frac();
  const at::Tensor image = ramp.reshape({1, 1, height, width}).repeat({1, model.options().in_channels, 1, 1});
  const auto memory = std::make_shared<MemoryMeter>();
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
    const PlainIterations plain(model);
    const Counting counting(counter);
    models::forward_any_size(model, image);
  }
  result.peak_bytes = memory->peak();
  result.layers = std::move(counter.layers);
  for (const LayerCost& layer : result.layers) {
    result.macs += layer.macs;
    result.activation_bytes += layer.output_bytes;
  }
  result.flops = 2 * result.macs;
  return result;
}

Report complexity(const ComplexityOptions& options) {
  const auto [height, width] = parse_size(options.size);
  const CountingRule rule = parse_rule(options.rule);
  const OpenedModel opened = open_model({options.weights, options.config, options.model, options.set});
  const Complexity cost = measure_complexity(*opened.model, height, width, rule);

  const std::string stated = text_of(rule);
  Json json{{"model", opened.experiment.options.model.name},
            {"height", height},
            {"width", width},
            {"rule", options.rule},
            {"rule_text", stated},
            {"parameters", cost.parameters},
            {"buffers", cost.buffers},
            {"macs", cost.macs},
            {"flops", cost.flops},
            {"macs_per_pixel", static_cast<double>(cost.macs) / static_cast<double>(height * width)},
            {"activation_bytes", cost.activation_bytes},
            {"peak_bytes", cost.peak_bytes},
            {"layers", Json::array()}};
  std::vector<std::vector<std::string>> rows{
      {"layer", "operation", "output", "calls", "parameters", "MMACs", "output MiB"}};
  for (const LayerCost& layer : cost.layers) {
    json["layers"].push_back({{"name", layer.name},
                              {"operation", layer.operation},
                              {"output_shape", layer.output_shape},
                              {"calls", layer.calls},
                              {"parameters", layer.parameters},
                              {"macs", layer.macs},
                              {"output_bytes", layer.output_bytes}});
    rows.push_back({layer.name, layer.operation, shape_of(layer.output_shape), std::to_string(layer.calls),
                    std::to_string(layer.parameters), format("%.3f", static_cast<double>(layer.macs) / 1e6),
                    format("%.3f", static_cast<double>(layer.output_bytes) / 1048576.0)});
  }
  const double pixels = static_cast<double>(height * width);
  std::string text = text_table(rows);
  text += format(
      "\n%s, %lld x %lld (height x width)\nparameters        %lld\nMACs              %lld (%.3f G, %.1f k per pixel)\n"
      "FLOPs             %lld\nlayer outputs     %.2f MiB\npeak memory       %.2f MiB\nrule: %s\n",
      opened.experiment.options.model.name.c_str(), static_cast<long long>(height), static_cast<long long>(width),
      static_cast<long long>(cost.parameters), static_cast<long long>(cost.macs), static_cast<double>(cost.macs) / 1e9,
      static_cast<double>(cost.macs) / pixels / 1e3, static_cast<long long>(cost.flops),
      static_cast<double>(cost.activation_bytes) / 1048576.0, static_cast<double>(cost.peak_bytes) / 1048576.0,
      stated.c_str());
  return make_report(std::move(text), std::move(json));
}

}  // namespace sscvae::tasks
