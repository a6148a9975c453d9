#include "sscvae/graph/interpreter.h"

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/graph/arithmetic.h"

namespace sscvae::graph {

Array run_node(const Node& node, const std::vector<Array>& inputs) {
  return std::visit(Evaluate<Array>{inputs}, node.operation);
}

std::vector<Array> run_plain(const Graph& graph, const Array& images) {
  check_shape(images, "images", "N,C,H,W", {-1, graph.in_channels, -1, -1});
  if (images.size(2) % graph.size_multiple != 0 || images.size(3) % graph.size_multiple != 0)
    throw ShapeError(
        format("images: height and width must be multiples of %lld", static_cast<long long>(graph.size_multiple)));
  std::vector<Array> values;
  for (const Node& node : graph.nodes) {
    std::vector<Array> inputs;
    for (const Value input : node.inputs) inputs.push_back(values.at(static_cast<size_t>(input)));
    if (inputs.empty()) inputs.push_back(images);
    values.push_back(run_node(node, inputs));
  }
  return values;
}

}  // namespace sscvae::graph
