#pragma once

#include "sscvae/networks/filled_graph.h"

namespace sscvae::networks {

using Lookup = LookupOf<Array>;

/// The network in eval mode with its weights in float32: batch statistics become scale and shift, a Gaussian code its
/// mean, strength and L factors of the thresholds.
graph::Graph bind(const Network& network, const Lookup& lookup, const PassSettings& settings = {});

}  // namespace sscvae::networks
