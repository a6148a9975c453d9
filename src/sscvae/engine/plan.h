#pragma once

#include <vector>

#include "sscvae/engine/steps.h"

namespace sscvae::engine {

/// Steps in order; `release[i]` are the values that nothing needs after step i.
struct Plan {
  std::vector<StepPtr> steps;
  std::vector<std::vector<graph::Value>> release;
};

/// Fuses
///   batch normalisation into the convolution before it;
///   [relu ->] convolution [-> relu or silu] [-> 2x2 maximum, or + a value that is there already];
///   in bfloat16 also: relu -> 3x3 convolution -> relu -> 1x1 convolution -> + (a residual block), and transposed
///   convolution -> convolution where composing pays;
///   1x1 convolution -> pixel shuffle by 2;
///   group normalisation -> silu.
/// A value that the graph gives out is never fused away. `graph` must outlive the plan.
Plan make_plan(const graph::Graph& graph, Precision precision);

}  // namespace sscvae::engine
