#pragma once

#include "sscvae/graph/arithmetic.h"

namespace sscvae::graph {

/// Every value of a pass, by number.
template <class T>
std::vector<T> run_values(const GraphOf<T>& graph, const T& images) {
  std::vector<T> values;
  for (const NodeOf<T>& node : graph.nodes) {
    std::vector<T> inputs;
    for (const Value input : node.inputs) inputs.push_back(values.at(static_cast<size_t>(input)));
    if (inputs.empty()) inputs.push_back(images);
    values.push_back(std::visit(Evaluate<T>{inputs}, node.operation));
  }
  return values;
}

}  // namespace sscvae::graph
