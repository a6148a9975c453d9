#pragma once

#include <vector>

#include "sscvae/graph/graph.h"

namespace sscvae::graph {

/// One node on its inputs (arithmetic.h).
Array run_node(const Node& node, const std::vector<Array>& inputs);

/// Every value of a pass, by number: images float [N,C,H,W]. Plain, not fast. Errors: ShapeError for sizes that are no
/// multiple of Graph::size_multiple.
std::vector<Array> run_plain(const Graph& graph, const Array& images);

}  // namespace sscvae::graph
