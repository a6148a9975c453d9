#pragma once

#include "sscvae/core/options.h"
#include "sscvae/networks/convolutional_coder_options.h"
#include "sscvae/networks/sparse_coder_options.h"
#include "sscvae/networks/vector_quantizer_options.h"

namespace sscvae::networks {

enum class Backbone { kLite, kReference };
enum class Normalization { kNone, kBatch, kGroup };
enum class Attention { kNone, kOverQueries, kOverKeys };
enum class OutputActivation { kLinear, kSigmoid };
enum class FeatureNorm { kNone, kRms };

/// The authors' network: strided levels of residual blocks, convolution + normalisation + max-pool, non-local
/// attention.
struct ReferenceBackboneOptions {
  int64_t hidden_channels_1 = 128;
  int64_t hidden_channels_2 = 512;
  int64_t num_groups = 16;
  Normalization normalization = Normalization::kGroup;
  Attention attention = Attention::kOverKeys;
  bool scale_attention = true;
  void describe(FieldList& fields);
};

/// A small norm-free network: pixel-unshuffle, residual blocks, strided convolutions; a few million parameters.
struct LiteBackboneOptions {
  int64_t width = 128;
  int64_t num_blocks = 2;
  int64_t unshuffle = 4;
  Normalization normalization = Normalization::kNone;
  bool block_skip = false;
  void describe(FieldList& fields);
};

/// The Gaussian bottleneck of `vae`.
struct GaussianOptions {
  int64_t latent_dim = 64;
  double kl_weight = 1e-4;
  void describe(FieldList& fields);
};

/// Defaults are the `sound` profile's ssc-vae.
struct ModelOptions {
  std::string name = "ssc-vae";
  int64_t in_channels = 1;
  int64_t down_samples = 3;
  Backbone backbone = Backbone::kLite;
  OutputActivation output = OutputActivation::kLinear;
  FeatureNorm feature_norm = FeatureNorm::kRms;
  LiteBackboneOptions lite;
  ReferenceBackboneOptions reference;
  SparseCoderOptions sparse_coder;
  VectorQuantizerOptions quantizer;
  GaussianOptions vae;
  ConvolutionalCoderOptions csc;
  void describe(FieldList& fields);
};

}  // namespace sscvae::networks

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::Backbone>() {
  static const std::vector<std::string> names{"lite", "reference"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::Normalization>() {
  static const std::vector<std::string> names{"none", "batch", "group"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::Attention>() {
  static const std::vector<std::string> names{"none", "over-queries", "over-keys"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::OutputActivation>() {
  static const std::vector<std::string> names{"linear", "sigmoid"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::FeatureNorm>() {
  static const std::vector<std::string> names{"none", "rms"};
  return names;
}
