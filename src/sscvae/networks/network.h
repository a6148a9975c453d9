#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/graph/graph.h"

/// Descriptions of networks: operations, and the names and shapes of the weights. They hold no numbers.
namespace sscvae::networks {

/// The first value of a weight. Random ones come from a single generator, in the order of declaration.
struct Start {
  enum class Rule {
    kZeros,
    kOnes,
    kConstant,
    kKaiming,  ///< uniform within 1 / sqrt(inputs of a filter), times `value` (torch.nn's default for filters)
    kFanIn,    ///< uniform within 1 / sqrt(fan_in), times `value` (torch.nn's default for biases)
    kOwn,      ///< by a rule of this network: a dictionary, a codebook, a frame of filters
  };
  Rule rule = Rule::kZeros;
  double value = 1;
  int64_t fan_in = 0;  ///< of kFanIn, which cannot be told from the weight itself
};

enum class Role { kTrained, kBuffer, kCounter };

/// A tensor of the network. Its placeholder has a shape but no values and stands for the weight in
/// operations.
struct Declared {
  std::string name;  ///< "_encoder._conv_1.weight"
  Array placeholder;
  Start start;
  Role role = Role::kTrained;
};

/// The inputs of a pass other than images and weights.
struct PassSettings {
  double strength = 1;             ///< all thresholds of sparse codes times this
  std::vector<double> sigma_8bit;  ///< noise level of all images, or of each, in 8-bit grey levels; empty: estimated
};

/// A weight computed from declared ones before each pass; operations hold its placeholder as well.
struct Derived {
  enum class Kind {
    kNegated,           ///< -a
    kRows,              ///< rows first ... first + count - 1 of a
    kUnitColumns,       ///< columns divided by their length
    kLipschitz,         ///< factor x the largest eigenvalue of a^T a
    kFilter,            ///< a matrix as a convolution of side 1
    kLearnedThreshold,  ///< activation(a + b), a being [], [K] or [1,h,w,1], as a map; b may be missing
    kPositiveRow,       ///< softplus(20 a[first])
    kThresholdLine,     ///< softplus(20 a[first]) 4 b factor strength, a single value spread over `count`
  };
  Kind kind;
  Array placeholder;
  std::vector<Array> from;
  int64_t first = 0, count = 0;
  double factor = 1;
  graph::ThresholdActivation activation = graph::ThresholdActivation::kSigned;
};

/// Nodes first ... last; later nodes use only the value of the last one.
struct NodeRange {
  graph::Value first = 0, last = 0;
};

struct Network {
  graph::Graph graph;
  std::vector<int64_t> channels;   ///< of each value
  std::vector<Declared> weights;   ///< in the order of a state dict's modules
  std::vector<Derived> derived;    ///< each after what it is computed from
  std::vector<NodeRange> regions;  ///< levels that training may recompute instead of keeping
};

}  // namespace sscvae::networks
