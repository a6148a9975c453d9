#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/graph/graph.h"

/// Networks as they are written down: operations, and the names and shapes of their weights. They hold no numbers.
namespace sscvae::networks {

/// How a weight starts. What is drawn comes from one generator, in the order of declaration.
struct Start {
  enum class Rule {
    kZeros,
    kOnes,
    kConstant,
    kKaiming,  ///< uniform, deviation 1 / sqrt(3 fan_in), times `value` (torch.nn's default for filters)
    kFanIn,    ///< uniform within 1 / sqrt(fan_in), times `value` (torch.nn's default for biases)
    kOwn,      ///< by a rule of the network's own: a dictionary, a codebook, a frame of filters
  };
  Rule rule = Rule::kZeros;
  double value = 1;
  int64_t fan_in = 0;
};

enum class Role { kTrained, kBuffer, kCounter };

/// A tensor of the network. Its placeholder has a shape and no values (device `meta`); operations hold it in the place
/// of the weight.
struct Declared {
  std::string name;  ///< "_encoder._conv_1.weight"
  at::Tensor placeholder;
  Start start;
  Role role = Role::kTrained;
};

/// What goes into a pass beside images and weights.
struct PassSettings {
  double strength = 1;             ///< all thresholds of sparse codes times this
  std::vector<double> sigma_8bit;  ///< noise level of all images, or of each, in 8-bit grey levels; empty: estimated
};

/// A weight that is computed from declared ones before a pass; its placeholder stands in operations, too.
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
  at::Tensor placeholder;
  std::vector<at::Tensor> from;
  int64_t first = 0, count = 0;
  double factor = 1;
  graph::ThresholdActivation activation = graph::ThresholdActivation::kSigned;
};

/// Nodes first ... last, of which only the last one's value is used behind it.
struct NodeRange {
  graph::Value first = 0, last = 0;
};

struct Network {
  graph::Graph graph;
  std::vector<Declared> weights;   ///< in the order of a state dict's modules
  std::vector<Derived> derived;    ///< each after what it is computed from
  std::vector<NodeRange> regions;  ///< levels that training may compute again instead of keeping them
};

}  // namespace sscvae::networks
