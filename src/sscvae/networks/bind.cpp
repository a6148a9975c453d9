#include "sscvae/networks/bind.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/softplus.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/networks/convolutional_coder.h"
#include "sscvae/networks/dictionary.h"

namespace sscvae::networks {

namespace {

constexpr double kThresholdReach = 4;  // slope 1 stands for 4 standard deviations of an atom's noise

at::Tensor activated(const at::Tensor& raw, graph::ThresholdActivation activation) {
  if (activation == graph::ThresholdActivation::kSigned) return raw;
  return activation == graph::ThresholdActivation::kSoftplus ? at::softplus(raw) : at::relu(raw);
}

at::Tensor learned_threshold(const Derived& derived, const std::vector<at::Tensor>& from) {
  const at::Tensor alpha = activated(from.size() > 1 ? from[0] + from[1] : from[0], derived.activation);
  return alpha.dim() == 4 ? alpha.permute({0, 3, 1, 2}) : alpha.reshape(derived.placeholder.sizes());
}

at::Tensor threshold_line(const Derived& derived, const std::vector<at::Tensor>& from, const PassSettings& settings) {
  // A scalar on the device: reading it would wait for all that goes before.
  const at::Tensor scale = from[1].to(at::kDouble) * (kThresholdReach * settings.strength);
  const at::Tensor value = at::softplus(from[0][derived.first] * kThresholdUnit).expand({derived.count});
  const at::Tensor line = value * scale.to(value.scalar_type());
  return derived.factor == 1 ? line : line * derived.factor;
}

at::Tensor compute(const Derived& derived, const std::vector<at::Tensor>& from, const PassSettings& settings) {
  const at::Tensor& a = from.at(0);
  switch (derived.kind) {
    case Derived::Kind::kNegated:
      return -a;
    case Derived::Kind::kRows:
      return a.narrow(0, derived.first, derived.count);
    case Derived::Kind::kUnitColumns:
      return normalize_atoms(a);
    case Derived::Kind::kLipschitz:
      return derived.factor * largest_eigenvalue(a);
    case Derived::Kind::kFilter:
      return a.unsqueeze(2).unsqueeze(3);
    case Derived::Kind::kLearnedThreshold:
      return learned_threshold(derived, from);
    case Derived::Kind::kPositiveRow:
      return at::softplus(a[derived.first] * kThresholdUnit).reshape(derived.placeholder.sizes());
    case Derived::Kind::kThresholdLine:
      break;
  }
  return threshold_line(derived, from, settings);
}

/// Replaces the placeholders in an operation by values.
struct Substitute {
  const Values& values;
  void set(at::Tensor& weight) const {
    if (weight.defined()) weight = values.of(weight);
  }
  template <class... Weights>
  void set_all(Weights&... weights) const {
    (set(weights), ...);
  }
  void operator()(graph::Convolution& op) const { set_all(op.weight, op.bias); }
  void operator()(graph::TransposedConvolution& op) const { set_all(op.weight, op.bias); }
  void operator()(graph::ChannelAffine& op) const { set_all(op.scale, op.shift); }
  void operator()(graph::GroupNorm& op) const { set_all(op.weight, op.bias); }
  void operator()(graph::BatchNorm& op) const { set_all(op.weight, op.bias, op.mean, op.variance, op.batches); }
  void operator()(graph::Cbam& op) const { set_all(op.squeeze, op.excite, op.convolution); }
  void operator()(graph::Constant& op) const { set(op.map); }
  void operator()(graph::Offset& op) const { set(op.offset); }
  void operator()(graph::DivideBy& op) const { set(op.divisor); }
  void operator()(graph::SparseCode& op) const {
    set_all(op.dictionary, op.lipschitz);
    for (at::Tensor& filter : op.filters) set(filter);
    for (at::Tensor& inhibition : op.inhibitions) set(inhibition);
  }
  void operator()(graph::NearestCode& op) const { set(op.codebook); }
  void operator()(graph::NoiseThreshold& op) const { set_all(op.floor, op.slope); }
  void operator()(graph::NoiseShrinkage& op) const { set_all(op.floor, op.slope); }
  void operator()(graph::GroupShrinkage& op) const { set_all(op.floor, op.slope, op.own); }
  template <class Other>
  void operator()(Other&) const {}
};

graph::ChannelAffine fixed_statistics(const graph::BatchNorm& op) {
  const at::Tensor scale = op.weight * at::rsqrt(op.variance + op.epsilon);
  return {scale, op.bias - op.mean * scale};
}

/// The operation with its constants folded; nothing if it only passes its first input on.
std::optional<graph::Operation> lowered(const graph::Operation& operation, const PassSettings& settings) {
  if (const auto* norm = std::get_if<graph::BatchNorm>(&operation)) return fixed_statistics(*norm);
  if (const auto* offset = std::get_if<graph::Offset>(&operation))
    return graph::Affine{1, offset->offset.item<double>()};
  if (const auto* divide = std::get_if<graph::DivideBy>(&operation))
    return graph::Affine{1 / (divide->factor * divide->divisor.item<double>()), 0};
  if (std::holds_alternative<graph::Strength>(operation)) {
    if (settings.strength == 1) return std::nullopt;
    return graph::Affine{settings.strength, 0};
  }
  if (std::holds_alternative<graph::GaussianCode>(operation)) return std::nullopt;
  if (std::holds_alternative<graph::NoiseLevel>(operation)) {
    graph::NoiseLevel level = std::get<graph::NoiseLevel>(operation);
    if (settings.sigma_8bit.size() == 1) level.sigma = settings.sigma_8bit[0] / 255;
    return level;
  }
  return operation;
}

}  // namespace

Values::Values(const Network& network, const Lookup& lookup, const PassSettings& settings) {
  for (const Declared& weight : network.weights) {
    const at::Tensor value = lookup(weight.name);
    if (!value.defined() || value.sizes() != weight.placeholder.sizes())
      throw InternalError("weight '" + weight.name + "': expected " + shape_text(weight.placeholder) + ", got " +
                          (value.defined() ? shape_text(value) : "none"));
    values_.emplace(weight.placeholder.unsafeGetTensorImpl(), value);
  }
  for (const Derived& derived : network.derived) {
    std::vector<at::Tensor> from;
    for (const at::Tensor& placeholder : derived.from) from.push_back(of(placeholder));
    values_.emplace(derived.placeholder.unsafeGetTensorImpl(), compute(derived, from, settings));
  }
}

const at::Tensor& Values::of(const at::Tensor& placeholder) const {
  static const at::Tensor none;
  if (!placeholder.defined()) return none;
  const auto found = values_.find(placeholder.unsafeGetTensorImpl());
  SSCVAE_ASSERT(found != values_.end());
  return found->second;
}

graph::Graph with_values(const Network& network, const Lookup& lookup, const PassSettings& settings) {
  const Values values(network, lookup, settings);
  graph::Graph filled = network.graph;
  for (graph::Node& node : filled.nodes) std::visit(Substitute{values}, node.operation);
  return filled;
}

graph::Graph bind(const Network& network, const Lookup& lookup, const PassSettings& settings) {
  const at::NoGradGuard no_grad;
  const auto frozen = [&](const std::string& name) {
    const at::Tensor value = lookup(name).detach();
    return value.to(at::kCPU, value.is_floating_point() ? at::kFloat : value.scalar_type()).clone();
  };
  graph::Graph bound = with_values(network, frozen, settings);
  std::vector<graph::Node> nodes;
  std::vector<graph::Value> renamed;
  for (graph::Node& node : bound.nodes) {
    for (graph::Value& input : node.inputs) input = renamed[static_cast<size_t>(input)];
    std::optional<graph::Operation> operation = lowered(node.operation, settings);
    if (!operation) {
      renamed.push_back(node.inputs.at(0));
      continue;
    }
    node.operation = std::move(*operation);
    nodes.push_back(std::move(node));
    renamed.push_back(static_cast<graph::Value>(nodes.size()) - 1);
  }
  bound.nodes = std::move(nodes);
  graph::rename_values(bound, renamed);
  return bound;
}

}  // namespace sscvae::networks
