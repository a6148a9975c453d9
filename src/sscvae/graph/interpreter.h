#pragma once

#include <optional>
#include <vector>

#include "sscvae/graph/graph.h"
#include "sscvae/graph/pass_values.h"

namespace sscvae::graph {

/// One node on its inputs (arithmetic.h).
Array run_node(const Node& node, const std::vector<Array>& inputs);

/// Every value of a pass, by number: images float [N,C,H,W]. Plain, not fast. Errors: ShapeError for sizes that are no
/// multiple of Graph::size_multiple.
std::vector<Array> run_plain(const Graph& graph, const Array& images);
/// Its named values; the others are dropped when nothing needs them any more. `sigma_8bit`: the noise level of all
/// images, before what the graph says.
PassValues run_named(const Graph& graph, const Array& images, std::optional<double> sigma_8bit = {});

}  // namespace sscvae::graph
