#pragma once

#include <string>
#include <vector>

#include "sscvae/graph/graph.h"

/// What a network costs, from its operations and the sizes of weights alone (placeholders will do).
namespace sscvae::graph {

/// The size of what a node makes of inputs of these sizes [N,C,H,W].
Sizes output_sizes(const Node& node, const std::vector<Sizes>& inputs);
/// Of every value of a pass over images of that size.
std::vector<Sizes> value_sizes(const Graph& graph, const Sizes& images);

/// How multiply-adds (MACs) are counted. Both rules count convolutions and matrix products, kernel taps on padding
/// included.
///   kExact    what is computed: a transposed convolution costs its kernel at every *input* position; activations,
///             norms, pooling and other element-wise work are not counted;
///   kPtflops  as the tool behind the published figures (ptflops 0.7.1 to 0.7.4): transposed convolutions at every
///             *output* position, 1 for each bias added, 2 for each input of a norm, ReLU or pooling, 1 of a softmax.
enum class CountingRule { kExact, kPtflops };

/// One convolution, matrix product or (kPtflops) element-wise operation, in the order in which it runs. Repeated ones
/// without weights are one row with a count.
struct LayerCost {
  std::string name;       ///< of the node, or the operation where it has no weights
  std::string operation;  ///< "convolution", "transposed convolution", "matrix product", "element-wise"
  Sizes output_shape;
  int64_t calls = 1;
  int64_t parameters = 0;    ///< weight and bias
  int64_t macs = 0;          ///< of all calls
  int64_t output_bytes = 0;  ///< of all calls, in float32
};
std::vector<LayerCost> layer_costs(const Graph& graph, const Sizes& images, CountingRule rule);

/// The largest number of bytes of values in float32 that are in use at once, the image's left out, where each is
/// dropped when nothing needs it any more.
int64_t peak_bytes(const Graph& graph, const Sizes& images);

}  // namespace sscvae::graph
