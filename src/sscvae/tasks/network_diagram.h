#pragma once

#include "sscvae/networks/model_options.h"
#include "sscvae/networks/network.h"
#include "sscvae/report/diagram.h"

namespace sscvae::tasks {

/// A model's network as a drawing: a box for each block of layers, with its operations and the size of what it makes of
/// images of height x width pixels; panels for encoder, code and decoder. The sparsity controller, where there is one,
/// stands in panels of its own: how thresholds are inferred, and how they are refined. Iterations that differ in
/// nothing but their weights are one box.
report::Diagram diagram_of(const networks::Network& network, const std::string& name, int64_t height, int64_t width);

}  // namespace sscvae::tasks
