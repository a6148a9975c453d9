#include "sscvae/models/registry.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/models/convolutional_coder.h"
#include "sscvae/models/model_size.h"
#include "sscvae/models/sparse_coding_autoencoder.h"
#include "sscvae/models/variational_autoencoder.h"
#include "sscvae/models/vector_quantized_autoencoder.h"

namespace sscvae::models {

namespace {

const std::string kThreshold = "model.sparse_coder.threshold";
const std::string kRefinement = "model.sparse_coder.threshold_refinement";

/// SC-VAE has one learned threshold; the authors' release of it, a learned map over the latent grid.
Assignments sc_vae_values(const std::string& profile) {
  return {{kThreshold, std::string(profile == "reference" ? "per-position" : "scalar")},
          {kRefinement, std::string("none")}};
}

Assignments sc_vae_in_values(const std::string&) {
  return {{kThreshold, std::string("inferred")}, {kRefinement, std::string("none")}};
}

Assignments ssc_vae_values(const std::string&) {
  return {{kThreshold, std::string("inferred")}, {kRefinement, std::string("cbam")}};
}

/// The model's own latent term is part of its objective; its weight is an option of the model.
Assignments own_latent_values(const std::string&) { return {{"train.loss.latent_weight", 1.0}}; }

Assignments vq_gan_values(const std::string&) {
  return {{"train.loss.latent_weight", 1.0},
          {"train.adversarial.weight", 0.1},
          {"train.adversarial.perceptual_weight", 1.0}};
}

std::shared_ptr<Autoencoder> make_variational(const ModelOptions& options, uint64_t) {
  return std::make_shared<VariationalAutoencoder>(options);
}

std::shared_ptr<Autoencoder> make_vector_quantized(const ModelOptions& options, uint64_t seed) {
  return std::make_shared<VectorQuantizedAutoencoder>(options, seed);
}

/// A denoiser's objective is its error alone.
Assignments csc_values(const std::string&) {
  return {{"train.loss.sparsity", std::string("none")},
          {"train.loss.reconstruction", std::string("absolute")},
          {"train.learning_rate", 5e-4},
          {"train.gradient_clip", 1.0}};
}

std::shared_ptr<Autoencoder> make_convolutional_coder(const ModelOptions& options, uint64_t seed) {
  return std::make_shared<ConvolutionalCoder>(options, seed);
}

std::shared_ptr<Autoencoder> make_sparse_coding(const ModelOptions& options, uint64_t seed) {
  return std::make_shared<SparseCodingAutoencoder>(options, seed);
}

}  // namespace

std::span<const ModelEntry> model_entries() {
  static const std::vector<ModelEntry> entries{
      {"ssc-vae", "sparse codes with thresholds inferred from the image and refined by attention",
       "Wang et al., AAAI 2025", "sscvae", ssc_vae_values, make_sparse_coding, size_of_sparse_coding},
      {"sc-vae-in", "sparse codes with thresholds inferred from the image (the paper's ablation SCVAE+In)",
       "Wang et al., AAAI 2025, Table 3", "", sc_vae_in_values, make_sparse_coding, size_of_sparse_coding},
      {"sc-vae", "sparse codes with learned thresholds that do not depend on the image", "Xiao, Qiu, Sotiras 2023",
       "scvae", sc_vae_values, make_sparse_coding, size_of_sparse_coding},
      {"vq-vae", "at each position one of the vectors of a learned codebook", "van den Oord, Vinyals, Kavukcuoglu 2017",
       "vqvae", own_latent_values, make_vector_quantized, size_of_vector_quantized},
      {"vq-gan", "a vq-vae whose images a discriminator judges, too", "Esser, Rombach, Ommer 2021", "", vq_gan_values,
       make_vector_quantized, size_of_vector_quantized},
      {"vae", "independent Gaussian variables at each position", "Kingma & Welling 2014", "", own_latent_values,
       make_variational, size_of_variational},
      {"csc", "convolutional sparse codes of overlapping patches, thresholds from the noise level and the image",
       "Simon & Elad 2019, with the controller of Wang et al. 2025", "", csc_values, make_convolutional_coder,
       size_of_convolutional_coder},
  };
  return entries;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const ModelEntry& entry : model_entries()) names.push_back(entry.name);
  return names;
}

const ModelEntry& find_model(const std::string& name) {
  for (const ModelEntry& entry : model_entries())
    if (entry.name == name) return entry;
  throw UsageError("unknown model '" + name + "'" + suggestion(name, model_names()) +
                   "; known: " + join(model_names(), ", "));
}

std::shared_ptr<Autoencoder> make_autoencoder(const ModelOptions& options, uint64_t seed) {
  const ModelEntry& entry = find_model(options.name);
  // The layers of LibTorch draw their initial values from the process-wide generator.
  at::manual_seed(derive_seed(seed, "weights"));
  return entry.make(options, seed);
}

}  // namespace sscvae::models
