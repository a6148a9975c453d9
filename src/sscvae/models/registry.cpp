#include "sscvae/models/registry.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/models/sparse_coding_autoencoder.h"

namespace sscvae::models {

namespace {

const std::string kThreshold = "model.sparse_coder.threshold";
const std::string kRefinement = "model.sparse_coder.threshold_refinement";

/// SC-VAE has one learned threshold; the authors' release of it, a learned map over the latent grid.
Assignments sc_vae_values(const std::string& profile) {
  return {{kThreshold, std::string(profile == "reference" ? "per-position" : "scalar")}, {kRefinement, std::string("none")}};
}

Assignments sc_vae_in_values(const std::string&) {
  return {{kThreshold, std::string("inferred")}, {kRefinement, std::string("none")}};
}

Assignments ssc_vae_values(const std::string&) {
  return {{kThreshold, std::string("inferred")}, {kRefinement, std::string("cbam")}};
}

std::shared_ptr<Autoencoder> make_sparse_coding(const ModelOptions& options, uint64_t seed) {
  return std::make_shared<SparseCodingAutoencoder>(options, seed);
}

}  // namespace

std::span<const ModelEntry> model_entries() {
  static const std::vector<ModelEntry> entries{
      {"ssc-vae", "sparse codes with thresholds inferred from the image and refined by attention",
       "Wang et al., AAAI 2025", "sscvae", ssc_vae_values, make_sparse_coding},
      {"sc-vae-in", "sparse codes with thresholds inferred from the image (the paper's ablation SCVAE+In)",
       "Wang et al., AAAI 2025, Table 3", "", sc_vae_in_values, make_sparse_coding},
      {"sc-vae", "sparse codes with learned thresholds that do not depend on the image", "Xiao, Qiu, Sotiras 2023",
       "scvae", sc_vae_values, make_sparse_coding},
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
  throw UsageError("unknown model '" + name + "'" + suggestion(name, model_names()) + "; known: " + join(model_names(), ", "));
}

std::shared_ptr<Autoencoder> make_autoencoder(const ModelOptions& options, uint64_t seed) {
  const ModelEntry& entry = find_model(options.name);
  // The layers of LibTorch draw their initial values from the process-wide generator.
  at::manual_seed(derive_seed(seed, "weights"));
  return entry.make(options, seed);
}

}  // namespace sscvae::models
