#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sscvae/graph/operations.h"
#include "sscvae/graph/pass_values.h"

/// A network as a list of operations.
namespace sscvae::graph {

/// The number of the node that makes a value; -1 for a value that a model does not have.
using Value = int;

template <class T>
struct NodeOf {
  OperationOf<T> operation;
  std::vector<Value> inputs;  ///< of smaller number than the node itself
  std::string name;           ///< where it sits in the model: "_encoder._conv_1"
};

/// The values of a graph that have a name.
struct NamedValues {
  Value features = -1, code = -1, coded_features = -1, logits = -1, reconstruction = -1;
  Value threshold_inference = -1, threshold_refinement = -1;  ///< alpha before and after refinement
  Value threshold = -1;                                       ///< theta, in units of the code
  Value mean = -1, log_variance = -1;                         ///< of a Gaussian code, the latter not clamped
  int64_t in_channels = 1, size_multiple = 1;
  std::vector<Value> outputs;  ///< of a network that is no autoencoder
};

template <class T>
struct GraphOf : NamedValues {
  std::vector<NodeOf<T>> nodes;
};
using Node = NodeOf<Array>;
using Graph = GraphOf<Array>;

/// All named values, in turn.
std::vector<Value NamedValues::*> value_fields();
/// Where a pass puts each of them.
std::vector<std::pair<Array PassValues::*, Value NamedValues::*>> value_places();
/// Gives the named values their new numbers: that of old value v is renamed[v].
void rename_values(NamedValues& values, const std::vector<Value>& renamed);
/// "convolution", "group norm", ...: for reports.
const char* name_of(const Operation& operation);
/// How many nodes use a value (outputs of the graph not counted).
std::vector<int> count_uses(const Graph& graph);
/// The same, and once more where a value has a name.
std::vector<int> count_wishes(const Graph& graph);

}  // namespace sscvae::graph
