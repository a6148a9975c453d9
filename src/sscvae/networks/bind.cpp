#include "sscvae/networks/bind.h"

#include <optional>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"

namespace sscvae::networks {

namespace {

graph::ChannelAffine fixed_statistics(const graph::BatchNorm& op) {
  const Array scale = op.weight * rsqrt(op.variance + op.epsilon);
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

graph::Graph bind(const Network& network, const Lookup& lookup, const PassSettings& settings) {
  const auto frozen = [&](const std::string& name) {
    const Array value = lookup(name);
    return value.defined() && is_floating_point(value.type()) ? value.to(kFloat32).clone() : value;
  };
  graph::Graph bound = with_values<Array>(network, frozen, settings);
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
