#include "sscvae/graph/graph.h"

namespace sscvae::graph {

namespace {

struct Names {
  const char* operator()(const Input&) const { return "input"; }
  const char* operator()(const Affine&) const { return "affine"; }
  const char* operator()(const PixelShuffle&) const { return "pixel shuffle"; }
  const char* operator()(const PixelUnshuffle&) const { return "pixel unshuffle"; }
  const char* operator()(const Convolution&) const { return "convolution"; }
  const char* operator()(const TransposedConvolution&) const { return "transposed convolution"; }
  const char* operator()(const ChannelAffine&) const { return "channel affine"; }
  const char* operator()(const BatchNorm&) const { return "batch norm"; }
  const char* operator()(const GroupNorm&) const { return "group norm"; }
  const char* operator()(const RmsNorm&) const { return "rms norm"; }
  const char* operator()(const Activation&) const { return "activation"; }
  const char* operator()(const MaxPool&) const { return "max pool"; }
  const char* operator()(const MeanPool&) const { return "mean pool"; }
  const char* operator()(const Join&) const { return "join"; }
  const char* operator()(const Add&) const { return "add"; }
  const char* operator()(const Attention&) const { return "attention"; }
  const char* operator()(const Cbam&) const { return "cbam"; }
  const char* operator()(const Constant&) const { return "constant"; }
  const char* operator()(const Offset&) const { return "offset"; }
  const char* operator()(const DivideBy&) const { return "division"; }
  const char* operator()(const Strength&) const { return "strength"; }
  const char* operator()(const SparseCode&) const { return "sparse code"; }
  const char* operator()(const NearestCode&) const { return "nearest code"; }
  const char* operator()(const GaussianCode&) const { return "gaussian code"; }
  const char* operator()(const NoiseLevel&) const { return "noise level"; }
  const char* operator()(const NoiseThreshold&) const { return "threshold"; }
  const char* operator()(const NoiseShrinkage&) const { return "shrinkage"; }
  const char* operator()(const Square&) const { return "square"; }
  const char* operator()(const GroupShrinkage&) const { return "grouped shrinkage"; }
};

}  // namespace

const char* name_of(const Operation& operation) { return std::visit(Names{}, operation); }

std::vector<std::pair<Array PassValues::*, Value NamedValues::*>> value_places() {
  using P = PassValues;
  using N = NamedValues;
  return {{&P::features, &N::features},
          {&P::code, &N::code},
          {&P::coded_features, &N::coded_features},
          {&P::logits, &N::logits},
          {&P::reconstruction, &N::reconstruction},
          {&P::threshold_inference, &N::threshold_inference},
          {&P::threshold_refinement, &N::threshold_refinement},
          {&P::threshold, &N::threshold},
          {&P::mean, &N::mean},
          {&P::log_variance, &N::log_variance}};
}

std::vector<Value NamedValues::*> value_fields() {
  std::vector<Value NamedValues::*> fields;
  for (const auto& [place, field] : value_places()) fields.push_back(field);
  return fields;
}

void rename_values(NamedValues& values, const std::vector<Value>& renamed) {
  for (Value NamedValues::*value : value_fields())
    if (values.*value >= 0) values.*value = renamed.at(static_cast<size_t>(values.*value));
  for (Value& output : values.outputs) output = renamed.at(static_cast<size_t>(output));
}

std::vector<int> count_uses(const Graph& graph) {
  std::vector<int> uses(graph.nodes.size(), 0);
  for (const Node& node : graph.nodes)
    for (const Value input : node.inputs) ++uses[static_cast<size_t>(input)];
  return uses;
}

std::vector<int> count_wishes(const Graph& graph) {
  std::vector<int> wishes = count_uses(graph);
  for (const auto field : value_fields())
    if (graph.*field >= 0) ++wishes[static_cast<size_t>(graph.*field)];
  for (const Value output : graph.outputs) ++wishes[static_cast<size_t>(output)];
  return wishes;
}

}  // namespace sscvae::graph
