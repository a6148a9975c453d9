#pragma once

#include <vector>

#include "sscvae/graph/graph.h"

namespace sscvae::graph {

/// One node on its inputs, as its declaration says, in their precision.
at::Tensor run_node(const Node& node, const std::vector<at::Tensor>& inputs);

/// Of an input in the weight's precision.
at::Tensor convolve(const Convolution& convolution, const at::Tensor& x);

/// Every value of a pass, by number: images float [N,C,H,W]. Plain, not fast. Errors: ShapeError for sizes that are no
/// multiple of Graph::size_multiple.
std::vector<at::Tensor> run_plain(const Graph& graph, const at::Tensor& images);

}  // namespace sscvae::graph
