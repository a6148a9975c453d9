#include "sscvae/networks/table.h"

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/model_size.h"
#include "sscvae/networks/networks.h"

namespace sscvae::networks {

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

/// A denoiser's objective is its error alone.
Assignments csc_values(const std::string&) {
  return {{"train.loss.sparsity", std::string("none")},
          {"train.loss.reconstruction", std::string("absolute")},
          {"train.learning_rate", 5e-4},
          {"train.gradient_clip", 1.0}};
}

/// Options of the encoder, the decoder and the code between them.
std::vector<std::string> halves_and(const std::string& code) {
  return {"model.down_samples",
          "model.backbone",
          "model.output",
          "model.feature_norm",
          "model.lite.",
          "model.reference.",
          code};
}

std::vector<ModelEntry> own_entries() {
  return {
      {"ssc-vae", "sparse codes with thresholds inferred from the image and refined by attention",
       "Wang et al., AAAI 2025", "sscvae", ssc_vae_values, halves_and("model.sparse_coder."), size_of_sparse_coding,
       sparse_coding_autoencoder},
      {"sc-vae-in", "sparse codes with thresholds inferred from the image (the paper's ablation SCVAE+In)",
       "Wang et al., AAAI 2025, Table 3", "", sc_vae_in_values, halves_and("model.sparse_coder."),
       size_of_sparse_coding, sparse_coding_autoencoder},
      {"sc-vae", "sparse codes with learned thresholds that do not depend on the image", "Xiao, Qiu, Sotiras 2023",
       "scvae", sc_vae_values, halves_and("model.sparse_coder."), size_of_sparse_coding, sparse_coding_autoencoder},
      {"vq-vae", "at each position one of the vectors of a learned codebook", "van den Oord, Vinyals, Kavukcuoglu 2017",
       "vqvae", own_latent_values, halves_and("model.quantizer."), size_of_vector_quantized,
       vector_quantized_autoencoder},
      {"vq-gan", "a vq-vae whose images a discriminator judges, too", "Esser, Rombach, Ommer 2021", "", vq_gan_values,
       halves_and("model.quantizer."), size_of_vector_quantized, vector_quantized_autoencoder},
      {"vae", "independent Gaussian variables at each position", "Kingma & Welling 2014", "", own_latent_values,
       halves_and("model.vae."), size_of_variational, variational_autoencoder},
      {"csc",
       "convolutional sparse codes of overlapping patches, thresholds from the noise level and the image",
       "Simon & Elad 2019, with the controller of Wang et al. 2025",
       "",
       csc_values,
       {"model.csc.", "model.sparse_coder.cbam_"},
       size_of_convolutional_coder,
       convolutional_sparse_coder},
  };
}

}  // namespace

std::span<const ModelEntry> model_entries() {
  static const std::vector<ModelEntry> entries = [] {
    std::vector<ModelEntry> all = own_entries();
    for (ModelEntry& entry : more_model_entries()) all.push_back(std::move(entry));
    return all;
  }();
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

}  // namespace sscvae::networks
