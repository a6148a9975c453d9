#include "sscvae/onnx/fold.h"

#include <map>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"

namespace sscvae::onnx {

using namespace graph;

namespace {

/// scale x + shift, [] (all channels alike) or [C].
struct Line {
  Array scale, shift;
  bool is_uniform() const { return scale.numel() == 1 && shift.numel() == 1; }
};

Line line_of(const Affine& op) { return {Array::scalar(op.scale), Array::scalar(op.shift)}; }

Array folded_bias(const Array& bias, const Line& line, int64_t channels) {
  if (bias.defined()) return bias * line.scale + line.shift;
  if (all(eq(line.shift, 0))) return {};
  return line.shift.expand({channels}).contiguous();
}

/// How many live nodes and names use each value; 0 for what no named value needs.
std::vector<int> count_live_uses(const Graph& graph) {
  std::vector<int> uses(graph.nodes.size(), 0);
  for (const NamedValue& named : named_values())
    if (graph.*named.value >= 0) ++uses[static_cast<size_t>(graph.*named.value)];
  for (size_t i = graph.nodes.size(); i-- > 0;)
    if (uses[i] > 0)
      for (const Value input : graph.nodes[i].inputs) ++uses[static_cast<size_t>(input)];
  return uses;
}

class Folder {
 public:
  explicit Folder(const Graph& original) : original_(original), uses_(count_live_uses(original)) {
    result.in_channels = original.in_channels;
    result.size_multiple = original.size_multiple;
  }

  Graph result;

  void run() {
    for (size_t i = 0; i < original_.nodes.size(); ++i) {
      new_values_.push_back(-1);
      if (uses_[i] == 0) continue;
      Node node = original_.nodes[i];
      for (Value& input : node.inputs) input = new_values_.at(static_cast<size_t>(input));
      new_values_.back() = place(std::move(node));
      uses_of_new_[new_values_.back()] = uses_[i];
    }
    for (const NamedValue& named : named_values()) {
      const Value value = original_.*named.value;
      result.*named.value = value < 0 ? value : new_values_.at(static_cast<size_t>(value));
    }
  }

 private:
  /// Into what is before it, or as a node of its own.
  Value place(Node node) {
    if (const Affine* op = std::get_if<Affine>(&node.operation))
      if (absorb(node.inputs[0], line_of(*op))) return node.inputs[0];
    if (const ChannelAffine* op = std::get_if<ChannelAffine>(&node.operation))
      if (absorb(node.inputs[0], {op->scale, op->shift})) return node.inputs[0];
    if (Attention* op = std::get_if<Attention>(&node.operation))
      if (absorb(node.inputs[0], line_of({op->scale, 0}))) op->scale = 1;
    result.nodes.push_back(std::move(node));
    return static_cast<Value>(result.nodes.size()) - 1;
  }

  /// Makes `value` itself scale value + shift, where nothing else looks at it.
  bool absorb(Value value, const Line& line) {
    if (uses_of_new_.at(value) > 1) return false;
    Node& node = result.nodes[static_cast<size_t>(value)];
    if (std::holds_alternative<PixelShuffle>(node.operation)) return line.is_uniform() && absorb(node.inputs[0], line);
    return std::visit([&](auto& op) { return take(op, line); }, node.operation);
  }

  template <class Other>
  static bool take(Other&, const Line&) {
    return false;
  }
  static bool take(Affine& op, const Line& line) {
    if (!line.is_uniform()) return false;
    op.shift = op.shift * line.scale.item<double>() + line.shift.item<double>();
    op.scale *= line.scale.item<double>();
    return true;
  }
  static bool take(ChannelAffine& op, const Line& line) {
    op = {op.scale * line.scale, op.shift * line.scale + line.shift};
    return true;
  }
  static bool take(Convolution& op, const Line& line) {
    op.bias = folded_bias(op.bias, line, op.weight.size(0));
    op.weight = op.weight * line.scale.reshape({-1, 1, 1, 1});
    return true;
  }
  static bool take(TransposedConvolution& op, const Line& line) {
    op.bias = folded_bias(op.bias, line, op.weight.size(1));
    op.weight = op.weight * line.scale.reshape({1, -1, 1, 1});
    return true;
  }
  static bool take(Constant& op, const Line& line) {
    op.map = op.map * line.scale.reshape({1, -1, 1, 1}) + line.shift.reshape({1, -1, 1, 1});
    return true;
  }

  const Graph& original_;
  std::vector<int> uses_;          ///< of the original's values
  std::vector<Value> new_values_;  ///< of the original's values
  std::map<Value, int> uses_of_new_;
};

}  // namespace

Graph fold(const Graph& original) {
  Folder folder(original);
  folder.run();
  return std::move(folder.result);
}

bool never_negative(const Graph& graph, Value value) {
  const Node& node = graph.nodes.at(static_cast<size_t>(value));
  if (std::holds_alternative<Activation>(node.operation))
    return std::get<Activation>(node.operation).function != Function::kSilu;
  if (const Constant* op = std::get_if<Constant>(&node.operation)) return !any(lt(op->map, 0));
  if (const Affine* op = std::get_if<Affine>(&node.operation))
    return op->scale >= 0 && op->shift >= 0 && never_negative(graph, node.inputs[0]);
  return std::holds_alternative<Cbam>(node.operation) && never_negative(graph, node.inputs[0]);
}

const std::vector<NamedValue>& named_values() {
  static const std::vector<NamedValue> values{{"reconstruction", &Graph::reconstruction},
                                              {"features", &Graph::features},
                                              {"threshold", &Graph::threshold},
                                              {"code", &Graph::code},
                                              {"log_variance", &Graph::log_variance},
                                              {"coded_features", &Graph::coded_features},
                                              {"logits", &Graph::logits}};
  return values;
}

}  // namespace sscvae::onnx
