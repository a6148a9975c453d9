#include "sscvae/graph/interpreter.h"

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/graph/run_values.h"

namespace sscvae::graph {

namespace {

void check_images(const Graph& graph, const Array& images) {
  check_shape(images, "images", "N,C,H,W", {-1, graph.in_channels, -1, -1});
  if (images.size(2) % graph.size_multiple != 0 || images.size(3) % graph.size_multiple != 0)
    throw ShapeError(
        format("images: height and width must be multiples of %lld", static_cast<long long>(graph.size_multiple)));
}

std::vector<Array> inputs_of(const Node& node, const std::vector<Array>& values, const Array& images) {
  std::vector<Array> inputs;
  for (const Value input : node.inputs) inputs.push_back(values.at(static_cast<size_t>(input)));
  if (inputs.empty()) inputs.push_back(images);
  return inputs;
}

}  // namespace

Array run_node(const Node& node, const std::vector<Array>& inputs) {
  return std::visit(Evaluate<Array>{inputs}, node.operation);
}

std::vector<Array> run_plain(const Graph& graph, const Array& images) {
  check_images(graph, images);
  return run_values(graph, images);
}

PassValues run_named(const Graph& graph, const Array& images, std::optional<double> sigma_8bit) {
  check_images(graph, images);
  std::vector<int> wishes = count_wishes(graph);
  std::vector<Array> values;
  PassValues result;
  for (Node node : graph.nodes) {
    const std::vector<Array> inputs = inputs_of(node, values, images);
    if (auto* level = std::get_if<NoiseLevel>(&node.operation); level && sigma_8bit) level->sigma = *sigma_8bit / 255;
    if (const auto* nearest = std::get_if<NearestCode>(&node.operation)) {
      const Array& x = inputs[0];
      result.indices = nearest_numbers(*nearest, x).view({x.size(0), x.size(2), x.size(3)});
    }
    values.push_back(run_node(node, inputs));
    for (const Value input : node.inputs)
      if (--wishes[static_cast<size_t>(input)] == 0) values[static_cast<size_t>(input)] = {};
  }
  for (const auto& [to, from] : value_places())
    if (graph.*from >= 0) result.*to = values[static_cast<size_t>(graph.*from)].to(kFloat32);
  for (const Value output : graph.outputs) result.outputs.push_back(values[static_cast<size_t>(output)]);
  return result;
}

}  // namespace sscvae::graph
