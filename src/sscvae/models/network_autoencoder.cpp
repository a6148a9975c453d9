#include "sscvae/models/network_autoencoder.h"

#include <ATen/ops/pixel_unshuffle.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/first_values.h"
#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/dictionary.h"
#include "sscvae/nn/gaussian_code.h"
#include "sscvae/nn/sparse_coding.h"

namespace sscvae::models {

namespace {

using graph::Graph;
using graph::Value;

template <class Operation, class SomeGraph>
const Operation* find_operation(const SomeGraph& graph) {
  for (const auto& node : graph.nodes)
    if (const auto* operation = std::get_if<Operation>(&node.operation)) return operation;
  return nullptr;
}

/// Atoms longer than 1, which lie within `within`, become 1 long.
void project_to_unit_ball(at::Tensor filters, at::IntArrayRef within) {
  filters.mul_(filters.norm(2, within, true).clamp_min(1).reciprocal());
}

}  // namespace

NetworkAutoencoder::NetworkAutoencoder(const ModelOptions& options, uint64_t seed)
    : Autoencoder(options),
      network_(networks::find_model(options.name).network(options)),
      weights_(*this, network_, networks::first_values(network_, options, seed)),
      pass_(network_) {
  if (find_operation<graph::NearestCode>(graph()))
    codebook_.emplace(options.quantizer, seed, weight("_vq_layer.embedding.weight"), weight("_vq_layer.usage"),
                      weight("_vq_layer.sums"));
}

std::shared_ptr<const nn::live::Graph> NetworkAutoencoder::live() const {
  return std::make_shared<const nn::live::Graph>(weights_.live(network_, settings()));
}

nn::NetworkPass::Result NetworkAutoencoder::run(std::vector<std::pair<Value, at::Tensor>> given,
                                                const std::vector<Value>& wanted) {
  nn::PassManner manner = manner_;
  manner.training = is_training();
  manner.noise_seed = noise_seed();
  return pass_.run(live(), std::move(given), wanted, manner);
}

void NetworkAutoencoder::check_images(const at::Tensor& images) const {
  check_shape(images, "images", "N,C,H,W", {-1, options().in_channels, -1, -1});
  const int64_t multiple = size_multiple();
  if (images.size(2) < multiple || images.size(3) < multiple || images.size(2) % multiple || images.size(3) % multiple)
    throw ShapeError(format("images: height and width must be multiples of %lld, got %lldx%lld",
                            static_cast<long long>(multiple), static_cast<long long>(images.size(2)),
                            static_cast<long long>(images.size(3))));
}

ForwardResult NetworkAutoencoder::forward(const at::Tensor& images) {
  check_images(images);
  std::vector<Value> wanted;
  for (const auto field : graph::value_fields())
    if (graph().*field >= 0) wanted.push_back(graph().*field);
  const nn::NetworkPass::Result pass = run({{0, images}}, wanted);
  const auto value = [&](Value v) { return v < 0 ? at::Tensor() : pass.values[static_cast<size_t>(v)]; };
  ForwardResult result;
  result.features = value(graph().features);
  result.threshold_inference = value(graph().threshold_inference);
  result.threshold_refinement = value(graph().threshold_refinement);
  result.threshold = value(graph().threshold);
  result.code = value(graph().code);
  result.indices = pass.indices;
  result.coded_features = value(graph().coded_features);
  result.logits = value(graph().logits);
  result.reconstruction = value(graph().reconstruction);
  result.mean = value(graph().mean);
  if (graph().log_variance >= 0) result.log_variance = nn::limited_log_variance(value(graph().log_variance));
  if (knows_noise_levels()) {  // one threshold for each atom and image
    result.threshold = result.threshold.expand_as(result.code);
    if (!result.threshold_refinement.defined()) result.threshold_refinement = result.threshold;
  }
  add_latent_loss(result, images);
  return result;
}

void NetworkAutoencoder::add_latent_loss(ForwardResult& result, const at::Tensor& images) const {
  const bool skips = options().lite.block_skip && options().backbone == Backbone::kLite;
  if (codebook_) {
    result.latent_loss =
        nn::codebook_loss(result.features, result.indices, weight("_vq_layer.embedding.weight"), options().quantizer);
  } else if (result.log_variance.defined()) {
    result.latent_loss = options().vae.kl_weight * nn::gaussian_divergence(result.mean, result.log_variance);
  } else if (skips && find_operation<graph::SparseCode>(graph())) {
    // Both skips bypass the networks, so their ends are tied to each other directly.
    const at::Tensor blocks = at::pixel_unshuffle(images - 0.5, size_multiple());
    result.latent_loss = (result.coded_features - blocks).square().sum({1}).mean();
  }
}

at::Tensor NetworkAutoencoder::encode(const at::Tensor& images) {
  check_images(images);
  return run({{0, images}}, {graph().code}).values[static_cast<size_t>(graph().code)];
}

void NetworkAutoencoder::check_code(const at::Tensor& code) const {
  const int64_t channels = network_.channels[static_cast<size_t>(graph().code)];
  check_shape(code, "code", "N,K,h,w", {-1, channels, -1, -1});
}

at::Tensor NetworkAutoencoder::decode(const at::Tensor& code) {
  check_code(code);
  return run({{graph().code, code}}, {graph().reconstruction}).values[static_cast<size_t>(graph().reconstruction)];
}

at::Tensor NetworkAutoencoder::coded_features(const at::Tensor& code) {
  if (!has_sparse_code()) return {};
  check_code(code);
  return run({{graph().code, code}}, {graph().coded_features}).values[static_cast<size_t>(graph().coded_features)];
}

at::Tensor NetworkAutoencoder::dictionary() {
  if (!has_sparse_code()) return {};
  if (!knows_noise_levels()) return find_operation<nn::live::SparseCode>(*live())->dictionary;
  const ConvolutionalCoderOptions& o = options().csc;
  const int64_t channels = options().in_channels, s = o.stride, k = o.kernel;
  return at::Tensor(networks::synthesis_of(weight("_W").detach().cpu()))
      .reshape({o.num_atoms, channels, s, s, k, k})
      .permute({0, 1, 4, 2, 5, 3})
      .reshape({o.num_atoms, channels * k * s * k * s})
      .t();
}

int64_t NetworkAutoencoder::num_codes() const { return codebook_ ? options().quantizer.num_codes : 0; }

at::Tensor NetworkAutoencoder::decode_indices(const at::Tensor& indices) {
  if (!codebook_) return Autoencoder::decode_indices(indices);
  return decode(nn::codes_by_number(indices, weight("_vq_layer.embedding.weight")));
}

at::Tensor NetworkAutoencoder::last_weight() const {
  Value value = graph().logits;
  while (!std::holds_alternative<graph::Convolution>(graph().nodes[static_cast<size_t>(value)].operation))
    value = graph().nodes[static_cast<size_t>(value)].inputs.at(0);
  const auto& last = std::get<graph::Convolution>(graph().nodes[static_cast<size_t>(value)].operation);
  for (const networks::Declared& weight : network_.weights)
    if (weight.placeholder.placeholder_id() == last.weight.placeholder_id()) return weights_.find(weight.name);
  throw InternalError("the last convolution has no weight of its own");
}

int64_t NetworkAutoencoder::atom_axis(const std::string& parameter) const {
  if (!knows_noise_levels()) return -1;
  if (parameter.starts_with("_A")) return 0;
  return parameter.starts_with("_B") || parameter == "_W" ? 1 : -1;
}

void NetworkAutoencoder::observe(const ForwardResult& result) {
  if (codebook_) codebook_->observe(result.features, result.indices);
}

void NetworkAutoencoder::after_optimizer_step() {
  const at::NoGradGuard no_grad;
  if (codebook_) codebook_->update(noise_seed());
  if (knows_noise_levels() && options().csc.unit_ball) {
    for (const networks::Declared& filters : network_.weights)
      if (const int64_t axis = atom_axis(filters.name); axis >= 0)
        project_to_unit_ball(weight(filters.name), axis == 0 ? at::IntArrayRef{1, 2, 3} : at::IntArrayRef{0, 2, 3});
  } else if (at::Tensor atoms = weight("_LISTA._Dict"); atoms.defined() && options().sparse_coder.unit_norm_atoms) {
    atoms.copy_(nn::normalize_atoms(atoms));
  }
}

at::Tensor NetworkAutoencoder::still_features_of(const at::Tensor& images) {
  check_images(images);
  const bool was_training = is_training();
  eval();
  const at::Tensor features = run({{0, images}}, {graph().features}).values[static_cast<size_t>(graph().features)];
  train(was_training);
  return features;
}

void NetworkAutoencoder::initialize_from(const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  at::Tensor offset = weight("_LISTA._threshold_offset");
  if (codebook_) codebook_->initialize(still_features_of(images));
  if (!offset.defined()) return;  // signed thresholds have no start that depends on data
  const networks::SparseCoderOptions& coder = options().sparse_coder;
  const at::Tensor features = still_features_of(images);
  const nn::AutocastDisabled full_precision(features.device().type());
  offset.fill_(nn::offset_for_survivors(features, dictionary(), coder.initial_survivors, coder.threshold_activation));
}

void NetworkAutoencoder::set_threshold_scale(double scale) {
  if (!(scale >= 0) || !std::isfinite(scale)) throw UsageError("threshold scale: expected a number >= 0");
  manner_.settings.strength = scale;
}

void NetworkAutoencoder::set_noise_levels(std::span<const double> sigma_8bit) {
  manner_.settings.sigma_8bit.assign(sigma_8bit.begin(), sigma_8bit.end());
}

bool NetworkAutoencoder::knows_noise_levels() const { return find_operation<graph::NoiseLevel>(graph()) != nullptr; }

}  // namespace sscvae::models
