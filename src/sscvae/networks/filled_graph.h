#pragma once

#include "sscvae/networks/values.h"

namespace sscvae::networks {

/// An operation with the values of its placeholders.
template <class T>
struct Filled {
  const ValuesOf<T>& values;
  const T& of(const Array& placeholder) const { return values.of(placeholder); }
  std::vector<T> all(const std::vector<Array>& placeholders) const {
    std::vector<T> result;
    for (const Array& placeholder : placeholders) result.push_back(of(placeholder));
    return result;
  }
  using Result = graph::OperationOf<T>;

  Result operator()(const graph::Convolution& op) const {
    return graph::ConvolutionOf<T>{of(op.weight),  of(op.bias), op.stride, op.padding,
                                   op.more_at_end, op.groups,   op.use,    op.wider};
  }
  Result operator()(const graph::TransposedConvolution& op) const {
    return graph::TransposedConvolutionOf<T>{of(op.weight), of(op.bias)};
  }
  Result operator()(const graph::ChannelAffine& op) const {
    return graph::ChannelAffineOf<T>{of(op.scale), of(op.shift)};
  }
  Result operator()(const graph::GroupNorm& op) const {
    return graph::GroupNormOf<T>{op.groups, op.epsilon, of(op.weight), of(op.bias)};
  }
  Result operator()(const graph::BatchNorm& op) const {
    return graph::BatchNormOf<T>{of(op.weight),  of(op.bias), of(op.mean), of(op.variance),
                                 of(op.batches), op.epsilon,  op.momentum};
  }
  Result operator()(const graph::Cbam& op) const {
    return graph::CbamOf<T>{of(op.squeeze), of(op.excite), of(op.convolution), op.spatial_input};
  }
  Result operator()(const graph::Constant& op) const { return graph::ConstantOf<T>{of(op.map)}; }
  Result operator()(const graph::Offset& op) const { return graph::OffsetOf<T>{of(op.offset)}; }
  Result operator()(const graph::DivideBy& op) const { return graph::DivideByOf<T>{of(op.divisor), op.factor}; }
  Result operator()(const graph::SparseCode& op) const {
    return graph::SparseCodeOf<T>{of(op.dictionary), of(op.lipschitz), op.num_iterations,
                                  op.initial_code,   all(op.filters),  all(op.inhibitions)};
  }
  Result operator()(const graph::NearestCode& op) const { return graph::NearestCodeOf<T>{of(op.codebook)}; }
  Result operator()(const graph::NoiseThreshold& op) const {
    return graph::NoiseThresholdOf<T>{of(op.floor), of(op.slope)};
  }
  Result operator()(const graph::NoiseShrinkage& op) const {
    return graph::NoiseShrinkageOf<T>{of(op.floor), of(op.slope), op.has_previous, op.has_factors};
  }
  Result operator()(const graph::GroupShrinkage& op) const {
    return graph::GroupShrinkageOf<T>{of(op.floor), of(op.slope), of(op.own)};
  }
  template <class Plain>
  Result operator()(const Plain& op) const {
    return op;
  }
};

/// The network's graph with placeholders replaced by values.
template <class T>
graph::GraphOf<T> with_values(const Network& network, const LookupOf<T>& lookup, const PassSettings& settings) {
  const ValuesOf<T> values(network, lookup, settings);
  graph::GraphOf<T> filled;
  static_cast<graph::NamedValues&>(filled) = network.graph;
  for (const graph::Node& node : network.graph.nodes)
    filled.nodes.push_back({std::visit(Filled<T>{values}, node.operation), node.inputs, node.name});
  return filled;
}

}  // namespace sscvae::networks
