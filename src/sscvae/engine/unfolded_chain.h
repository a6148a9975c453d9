#pragma once

#include <optional>
#include <vector>

#include "sscvae/graph/graph.h"
#include "sscvae/kernels/unfolded_coder.h"

namespace sscvae::engine {

/// The iterations of a convolutional sparse coder, found in a graph.
struct UnfoldedChain {
  graph::Value blocks = -1, sigma = -1, factors = -1;  ///< what they read; factors may be missing
  graph::Value code = -1;                              ///< what they make
  std::vector<graph::Value> covered;                   ///< every node of them, that of the code among them
  std::vector<kernels::UnfoldedIteration> iterations;
  int64_t macs = 0;  ///< multiply-adds of a position
};

/// The chain whose first analysis filter is node `first`, if all values between it and the code serve nothing else;
/// `users` has the nodes that read each value.
std::optional<UnfoldedChain> find_unfolded_chain(const graph::Graph& graph, graph::Value first,
                                                 const std::vector<std::vector<graph::Value>>& users);

}  // namespace sscvae::engine
