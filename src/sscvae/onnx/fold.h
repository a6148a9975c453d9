#pragma once

#include "sscvae/graph/graph.h"

namespace sscvae::onnx {

/// The same values under the graph's names (features, ..., reconstruction) with fewer operations: factors and shifts
/// (batch normalisation, thresholds' scales, the output's 1/2) become part of the weights or maps before them, and the
/// scale of attention part of the convolution that makes its queries. What no named value needs is left out; set a name
/// to -1 to give its value up. Rounding differs from the original's by some units in the last place.
graph::Graph fold(const graph::Graph& original);

/// Whether a value cannot be negative whatever the image: thresholds behind relu or softplus, learned maps.
bool never_negative(const graph::Graph& graph, graph::Value value);

/// A value by the name it has in the graph and in `export --outputs`.
struct NamedValue {
  const char* name;
  graph::Value graph::NamedValues::*value;
};
/// reconstruction, features, threshold, code, log_variance, coded_features, logits.
const std::vector<NamedValue>& named_values();

}  // namespace sscvae::onnx
