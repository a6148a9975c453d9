#pragma once

#include "sscvae/graph/graph.h"
#include "sscvae/models/autoencoder.h"

namespace sscvae::graph {

/// The operations of a pass of `model` in eval mode, its weights copied as they are now (with the threshold scale in
/// use). Errors: UsageError for a model of a kind that is not known here.
Graph freeze(const models::Autoencoder& model);

}  // namespace sscvae::graph
