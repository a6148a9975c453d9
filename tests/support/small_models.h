#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <string>

#include "sscvae/experiments/profiles.h"
#include "sscvae/models/registry.h"
#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"

/// Every registry model in every profile, small enough to run in no time.
namespace sscvae::testing {

inline models::ModelOptions small_options(const std::string& model, const std::string& profile) {
  models::ModelOptions options;
  FieldList fields;
  fields.add_section("model", options);
  for (const Assignments& values :
       {networks::find_model(model).values(profile), experiments::find_profile(profile).values})
    for (const auto& value : values)
      if (value.first.starts_with("model.")) assign(fields, {value}, "test");
  options.name = model;
  options.lite.width = 16;
  options.reference.hidden_channels_1 = 8;
  options.reference.hidden_channels_2 = 16;
  options.reference.num_groups = 4;
  options.sparse_coder.num_atoms = 32;
  options.sparse_coder.atom_dim = 16;
  options.sparse_coder.num_iterations = 4;
  options.quantizer.num_codes = 32;
  options.quantizer.code_dim = options.vae.latent_dim = 16;
  options.sparse_coder.grid_height = options.sparse_coder.grid_width = 8;
  return options;
}

/// A model in eval mode whose every tensor, statistics of normalisation included, has left its initial value.
inline std::shared_ptr<models::Autoencoder> stirred_model(const models::ModelOptions& options) {
  const auto model = models::make_autoencoder(options, 1);
  const at::NoGradGuard no_grad;
  torch::manual_seed(7);
  model->initialize_from(torch::rand({2, options.in_channels, 32, 32}));
  for (int i = 0; i < 2; ++i) model->forward(torch::rand({2, options.in_channels, 32, 32}));
  for (at::Tensor& parameter : model->parameters()) parameter.add_(0.02 * torch::randn_like(parameter));
  model->eval();
  return model;
}

/// "ssc_vae_sound" for a test's parameters {"ssc-vae", "sound"}.
template <class Entry>
std::string name_of_entry(const Entry& entry) {
  std::string name = std::get<0>(entry.param) + "_" + std::get<1>(entry.param);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace sscvae::testing

/// A suite over all of them: its parameters are the names of model and profile.
#define SSCVAE_FOR_ALL_MODELS(suite)                                                                        \
  INSTANTIATE_TEST_SUITE_P(Registry, suite,                                                                 \
                           ::testing::Combine(::testing::ValuesIn(::sscvae::networks::model_names()),       \
                                              ::testing::ValuesIn(::sscvae::experiments::profile_names())), \
                           [](const auto& entry) { return ::sscvae::testing::name_of_entry(entry); })
