#include "sscvae/networks/model_size.h"

#include <gtest/gtest.h>

#include "sscvae/experiments/profiles.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/weights.h"
#include "sscvae/networks/table.h"
#include "support/small_models.h"

namespace sscvae::models {
namespace {

/// What the tensors of a model that is made hold.
double counted_size(const ModelOptions& options) {
  int64_t count = 0;
  for (const auto& [name, tensor] : state_of(*make_autoencoder(options, 1))) count += tensor.numel();
  return static_cast<double>(count);
}

TEST(ModelSize, IsThatOfTheModelThatIsMade) {
  // Each of these in every model that takes it.
  const std::vector<Assignments> variants{
      {},
      {{"model.in_channels", int64_t{3}}},
      {{"model.down_samples", int64_t{4}}},
      {{"model.lite.unshuffle", int64_t{1}}, {"model.lite.num_blocks", int64_t{3}}},
      {{"model.lite.unshuffle", int64_t{64}}},
      {{"model.lite.normalization", std::string("batch")}},
      {{"model.lite.normalization", std::string("group")}},
      {{"model.backbone", std::string("reference")}},
      {{"model.backbone", std::string("reference")},
       {"model.reference.normalization", std::string("batch")},
       {"model.reference.attention", std::string("none")},
       {"model.down_samples", int64_t{1}}},
      {{"model.sparse_coder.iteration", std::string("untied")},
       {"model.sparse_coder.initial_code", std::string("zero")}},
      {{"model.sparse_coder.iteration", std::string("per-layer")},
       {"model.sparse_coder.initial_code", std::string("zero")}},
      {{"model.sparse_coder.lipschitz", std::string("trainable")},
       {"model.sparse_coder.threshold_activation", std::string("signed")}},
      {{"model.sparse_coder.cbam_reduction", int64_t{100}}, {"model.sparse_coder.cbam_kernel", int64_t{7}}},
      {{"model.quantizer.update", std::string("gradient")}},
      {{"model.quantizer.update", std::string("gradient")}, {"model.quantizer.revival", 0.0}},
      {{"model.csc.threshold", std::string("scalar")}, {"model.csc.threshold_refinement", std::string("none")}},
      {{"model.csc.threshold", std::string("per-atom")},
       {"model.csc.threshold_refinement", std::string("none")},
       {"model.csc.shrinkage", std::string("grouped")},
       {"model.csc.group_rank", int64_t{5}}},
      {{"model.csc.attention_scales", int64_t{3}}, {"model.csc.threshold_refinement", std::string("none")}},
      {{"model.csc.kernel", int64_t{3}},
       {"model.csc.num_atoms", int64_t{20}},
       {"model.csc.num_iterations", int64_t{1}}},
  };
  for (const networks::ModelEntry& entry : networks::model_entries())
    for (const std::string& profile : experiments::profile_names())
      for (const Assignments& variant : variants) {
        ModelOptions options = testing::small_options(entry.name, profile);
        FieldList fields;
        fields.add_section("model", options);
        assign(fields, variant, "test");
        EXPECT_EQ(entry.size(options), counted_size(options)) << entry.name << "\n" << to_toml(fields);
      }
}

TEST(ModelSize, OfThresholdKinds) {
  for (const std::string name : {"scalar", "per-atom", "per-position", "inferred"}) {
    ModelOptions options = testing::small_options("sc-vae", "sound");
    options.sparse_coder.threshold_refinement = networks::ThresholdRefinement::kNone;
    options.sparse_coder.threshold = parse_choice<networks::ThresholdKind>("test", name);
    EXPECT_EQ(size_of_sparse_coding(options), counted_size(options)) << name;
  }
}

TEST(ModelSize, NeverOverflows) {
  ModelOptions options;
  options.lite.width = options.sparse_coder.num_atoms = options.reference.hidden_channels_2 = int64_t{1} << 62;
  options.csc.num_atoms = options.csc.attention_width = options.vae.latent_dim = int64_t{1} << 62;
  options.quantizer.code_dim = int64_t{1} << 62;
  for (const networks::ModelEntry& entry : networks::model_entries())
    EXPECT_GT(entry.size(options), 1e18) << entry.name;
}

}  // namespace
}  // namespace sscvae::models
