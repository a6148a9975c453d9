#pragma once

#include "sscvae/graph/graph.h"

namespace sscvae::graph {

/// The same graph with every ChannelAffine behind a convolution that only it uses folded into weight and bias.
/// Numbers of nodes change. Exact up to rounding.
Graph fold_channel_affine(const Graph& graph);

}  // namespace sscvae::graph
