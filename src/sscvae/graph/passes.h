#pragma once

#include "sscvae/graph/graph.h"

namespace sscvae::graph {

/// The same graph with every ChannelAffine behind a convolution that only it uses folded into weight and bias.
/// Numbers of nodes change. Exact up to rounding.
Graph fold_channel_affine(const Graph& graph);

/// What the graph makes of one of its values alone: a graph whose input is that value, of so many channels. Named
/// values that need anything else are left out.
Graph behind(const Graph& graph, Value value, int64_t channels);

}  // namespace sscvae::graph
