#include "sscvae/graph/passes.h"

#include "sscvae/array/elementwise.h"

namespace sscvae::graph {

namespace {

/// The convolution that a ChannelAffine can go into, or null.
const Convolution* target_of(const Graph& graph, const Node& node, const std::vector<int>& uses) {
  if (!std::holds_alternative<ChannelAffine>(node.operation)) return nullptr;
  const auto input = static_cast<size_t>(node.inputs[0]);
  return uses[input] == 1 ? std::get_if<Convolution>(&graph.nodes[input].operation) : nullptr;
}

Convolution fold(const Convolution& convolution, const ChannelAffine& affine) {
  Convolution folded = convolution;
  folded.weight = convolution.weight * affine.scale.view({-1, 1, 1, 1});
  folded.bias = convolution.bias.defined() ? convolution.bias * affine.scale + affine.shift : affine.shift;
  return folded;
}

}  // namespace

Graph fold_channel_affine(const Graph& graph) {
  const std::vector<int> uses = count_uses(graph);
  Graph result = graph;
  result.nodes.clear();
  std::vector<Value> renamed;
  for (const Node& node : graph.nodes) {
    if (const Convolution* convolution = target_of(graph, node, uses)) {
      const Value before = renamed[static_cast<size_t>(node.inputs[0])];
      result.nodes[static_cast<size_t>(before)].operation = fold(*convolution, std::get<ChannelAffine>(node.operation));
      renamed.push_back(before);
      continue;
    }
    Node copy = node;
    for (Value& input : copy.inputs) input = renamed[static_cast<size_t>(input)];
    result.nodes.push_back(std::move(copy));
    renamed.push_back(static_cast<Value>(result.nodes.size()) - 1);
  }
  rename_values(result, renamed);
  return result;
}

Graph behind(const Graph& graph, Value value, int64_t channels) {
  Graph result;
  result.in_channels = channels;
  std::vector<Value> renamed(graph.nodes.size(), -1);
  renamed[static_cast<size_t>(value)] = 0;
  result.nodes.push_back({Input{}, {}, graph.nodes[static_cast<size_t>(value)].name});
  for (size_t i = static_cast<size_t>(value) + 1; i < graph.nodes.size(); ++i) {
    Node node = graph.nodes[i];
    bool is_known = !node.inputs.empty();
    for (Value& input : node.inputs) {
      input = renamed[static_cast<size_t>(input)];
      is_known = is_known && input >= 0;
    }
    if (!is_known) continue;
    renamed[i] = static_cast<Value>(result.nodes.size());
    result.nodes.push_back(std::move(node));
  }
  for (const auto field : value_fields())
    if (graph.*field > value) result.*field = renamed[static_cast<size_t>(graph.*field)];
  return result;
}

}  // namespace sscvae::graph
