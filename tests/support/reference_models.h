#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/options.h"
#include "sscvae/experiments/profiles.h"
#include "sscvae/models/losses.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/weights.h"
#include "sscvae/networks/table.h"
#include "sscvae/serialization/safetensors.h"
#include "support/paths.h"

/// The networks of the reference numbers, rebuilt from the configuration recorded beside them.
namespace sscvae::testing {

inline nlohmann::json read_json(const std::filesystem::path& path) { return nlohmann::json::parse(read_file(path)); }

/// The losses of the reference numbers: what the networks themselves say, no sparsity term.
inline models::LossOptions reference_losses() {
  models::LossOptions options;
  options.latent_weight = 1;
  options.sparsity = models::Sparsity::kNone;
  return options;
}

/// Is it a bias in front of a BatchNorm? Its gradient is zero: what is computed is rounding, from which Adam makes
/// steps of full length. Neither it nor the running mean behind it, which follows, can be compared in float32.
inline bool has_zero_gradient(const std::string& name) {
  const bool down = name.find("_down_samples.") != std::string::npos && name.ends_with("_block.0.bias");
  const bool up = name.find("_up_samples.") != std::string::npos && name.ends_with("_block.1.bias");
  return down || up;
}
inline bool is_noise_in_float32(const std::string& name) {
  return has_zero_gradient(name) || name.ends_with("running_mean");
}

/// Options of the `reference` profile with the sizes of a recorded configuration (kind, c, h1, h2, out, down, groups,
/// K, T, grid, beta).
inline models::ModelOptions reference_options(const nlohmann::json& config) {
  models::ModelOptions options;
  FieldList fields;
  fields.add_section("model", options);
  const std::string kind = config.at("kind");
  const std::string name = kind == "SSCVAE" ? "ssc-vae" : kind == "VQVAE" ? "vq-vae" : "sc-vae";
  assign(fields, {{"model.name", name}}, "test");
  for (const Assignments& values :
       {networks::find_model(name).values("reference"), experiments::find_profile("reference").values})
    for (const auto& value : values)
      if (value.first.starts_with("model.")) assign(fields, {value}, "test");
  options.in_channels = config.at("c");
  options.down_samples = config.at("down");
  options.reference.hidden_channels_1 = config.at("h1");
  options.reference.hidden_channels_2 = config.at("h2");
  options.reference.num_groups = config.at("groups");
  options.sparse_coder.atom_dim = config.at("out");
  options.sparse_coder.num_atoms = config.at("K");
  options.sparse_coder.num_iterations = config.value("T", options.sparse_coder.num_iterations);
  options.quantizer.code_dim = options.vae.latent_dim = options.sparse_coder.atom_dim;
  options.quantizer.num_codes = options.sparse_coder.num_atoms;
  options.quantizer.commitment = config.value("beta", options.quantizer.commitment);
  const int64_t side = 256 >> options.down_samples;
  options.sparse_coder.grid_height = config.contains("grid") ? config.at("grid")[0].get<int64_t>() : side;
  options.sparse_coder.grid_width = config.contains("grid") ? config.at("grid")[1].get<int64_t>() : side;
  return options;
}

inline std::shared_ptr<models::Autoencoder> reference_model(const nlohmann::json& config,
                                                            const serialization::StateDict& state) {
  auto model = models::make_autoencoder(reference_options(config), 1);
  models::load_state(*model, state, "reference state");
  return model;
}

}  // namespace sscvae::testing
