#include <algorithm>

#include "sscvae/networks/backbones.h"
#include "sscvae/networks/bottlenecks.h"
#include "sscvae/networks/convolutional_coder.h"
#include "sscvae/networks/networks.h"

namespace sscvae::networks {

namespace {

/// Encoder, code and decoder.
Network with_halves(const ModelOptions& options, int64_t feature_dim,
                    Value (*code)(const Scope&, Value, const ModelOptions&)) {
  const Scope s;
  graph::Graph& graph = s.graph();
  const bool lite = options.backbone == Backbone::kLite;
  graph.size_multiple = int64_t{1} << options.down_samples;
  const Value image = s.image(options.in_channels);
  const Scope encoder = s.in("_encoder"), decoder = s.in("_decoder");
  Value features = lite ? lite_encoder(encoder, image, options, feature_dim)
                        : reference_encoder(encoder, image, options, feature_dim);
  if (options.feature_norm == FeatureNorm::kRms) features = encoder.add(graph::RmsNorm{1e-6}, {features}, feature_dim);
  graph.features = features;
  const Value coded = code(s, features, options);
  graph.logits = lite ? lite_decoder(decoder, coded, options) : reference_decoder(decoder, coded, options);
  graph.reconstruction = options.output == OutputActivation::kSigmoid
                             ? decoder.activation(graph.logits, graph::Function::kSigmoid)
                             : decoder.affine(graph.logits, 1, 0.5);
  // Files and initial draws have both halves before the code.
  std::stable_partition(s.network().weights.begin(), s.network().weights.end(), [](const Declared& weight) {
    return weight.name.starts_with("_encoder.") || weight.name.starts_with("_decoder.");
  });
  return std::move(s.network());
}

Value coder(const Scope& s, Value features, const ModelOptions& options) {
  return sparse_coder(s.in("_LISTA"), features, options.sparse_coder);
}
Value codebook(const Scope& s, Value features, const ModelOptions& options) {
  return nearest_code(s.in("_vq_layer"), features, options.quantizer);
}
Value posterior(const Scope& s, Value features, const ModelOptions&) {
  return gaussian_code(s.in("_posterior"), features);
}

}  // namespace

Network sparse_coding_autoencoder(const ModelOptions& options) {
  return with_halves(options, options.sparse_coder.atom_dim, coder);
}
Network vector_quantized_autoencoder(const ModelOptions& options) {
  return with_halves(options, options.quantizer.code_dim, codebook);
}
Network variational_autoencoder(const ModelOptions& options) {
  return with_halves(options, options.vae.latent_dim, posterior);
}
Network convolutional_sparse_coder(const ModelOptions& options) {
  const Scope s;
  convolutional_coder(s, options);
  return std::move(s.network());
}

}  // namespace sscvae::networks
