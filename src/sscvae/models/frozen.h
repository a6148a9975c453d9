#pragma once

#include "sscvae/graph/graph.h"
#include "sscvae/models/autoencoder.h"

namespace sscvae::models {

/// The operations of a pass of `model` in eval mode, its weights copied as they are now, with the strength and the
/// noise level that it has been told.
graph::Graph frozen(const Autoencoder& model);

}  // namespace sscvae::models
