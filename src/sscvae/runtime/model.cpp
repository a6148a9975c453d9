#include "sscvae/runtime/model.h"

#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/graph/passes.h"
#include "sscvae/networks/bind.h"
#include "sscvae/networks/first_values.h"
#include "sscvae/networks/table.h"

namespace sscvae::runtime {

namespace {

constexpr char kCodebook[] = "_vq_layer.embedding.weight";

template <class Operation>
bool has_operation(const networks::Network& network) {
  for (const graph::Node& node : network.graph.nodes)
    if (std::holds_alternative<Operation>(node.operation)) return true;
  return false;
}

int64_t count_numbers(const networks::Network& network, bool trained) {
  int64_t count = 0;
  for (const networks::Declared& weight : network.weights)
    if ((weight.role == networks::Role::kTrained) == trained) count += weight.placeholder.numel();
  return count;
}

}  // namespace

Model::Model(const networks::ModelOptions& options, std::map<std::string, Array> weights)
    : options_(options), network_(networks::find_model(options.name).network(options)), weights_(std::move(weights)) {}

Model::Model(const networks::ModelOptions& options, uint64_t seed) : Model(options, std::map<std::string, Array>()) {
  weights_ = networks::first_values(network_, options_, seed);
}

serialization::StateDict Model::state() const {
  serialization::StateDict state;
  for (const networks::Declared& weight : network_.weights) state.add(weight.name, weights_.at(weight.name));
  return state;
}

int64_t Model::parameters() const { return count_numbers(network_, true); }
int64_t Model::buffers() const { return count_numbers(network_, false); }

CodeKind Model::code_kind() const {
  if (num_codes() > 0) return CodeKind::kDiscrete;
  if (network_.graph.threshold >= 0) return CodeKind::kSparse;
  return network_.graph.log_variance >= 0 ? CodeKind::kGaussian : CodeKind::kNone;
}

int64_t Model::code_channels() const { return network_.channels.at(static_cast<size_t>(network_.graph.code)); }

int64_t Model::num_codes() const {
  return has_operation<graph::NearestCode>(network_) ? options_.quantizer.num_codes : 0;
}

bool Model::knows_noise_levels() const { return has_operation<graph::NoiseLevel>(network_); }

graph::Graph Model::bound(double strength) const {
  networks::PassSettings settings;
  settings.strength = strength;
  return networks::bind(
      network_, [this](const std::string& name) { return weights_.at(name); }, settings);
}

graph::Graph Model::decoder() const {
  const graph::Graph whole = bound();
  return graph::behind(whole, whole.code, code_channels());
}

Array Model::decode(const Array& code) const { return graph::run_named(decoder(), code).reconstruction; }

Array Model::codes_by_number(const Array& indices) const {
  if (num_codes() == 0) throw UsageError("model " + options_.name + " has no codes with numbers");
  check_shape(indices, "indices", "N,h,w", {-1, -1, -1});
  if (indices.numel() > 0 && (min(indices) < 0 || max(indices) >= static_cast<double>(num_codes())))
    throw UsageError("indices: expected numbers from 0 to " + std::to_string(num_codes() - 1));
  const Array rows = index_select(weights_.at(kCodebook), 0, indices.flatten());
  return rows.reshape({indices.size(0), indices.size(1), indices.size(2), rows.size(1)}).permute({0, 3, 1, 2});
}

}  // namespace sscvae::runtime
