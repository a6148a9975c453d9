#include "sscvae/experiments/profiles.h"

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::experiments {

namespace {

OptionValue text(const char* value) { return std::string(value); }
OptionValue integer(int64_t value) { return value; }

/// What the release and the paper have in common: the network and how it is trained.
Assignments published_values() {
  return {
      {"model.backbone", text("reference")},
      {"model.output", text("sigmoid")},
      {"model.feature_norm", text("none")},
      {"model.reference.normalization", text("batch")},
      {"model.reference.scale_attention", false},
      {"model.sparse_coder.num_atoms", integer(512)},
      {"model.sparse_coder.atom_dim", integer(256)},
      {"model.sparse_coder.threshold_gain", 1.0},
      {"model.sparse_coder.unit_norm_atoms", false},
      {"model.quantizer.num_codes", integer(512)},
      {"model.quantizer.code_dim", integer(256)},
      {"model.quantizer.update", text("gradient")},
      {"model.quantizer.initialization", text("uniform")},
      {"model.quantizer.revival", 0.0},
      {"model.vae.latent_dim", integer(256)},
      {"train.learning_rate", 1e-4},
      {"train.schedule", text("constant")},
      {"train.warmup", 0.0},
      {"train.beta2", 0.999},
      {"train.gradient_clip", 0.0},
      {"train.precision", text("fp32")},
      {"train.validation_images", integer(-1)},
      {"train.best_by", text("loss")},
      {"train.loss.latent_weight", 1.0},
      {"data.split", text("authors")},
      {"data.patch_size", integer(256)},
      {"data.augment", false},
  };
}

/// The same with `values` of a profile alone.
Assignments published_with(const Assignments& values) {
  Assignments all = published_values();
  all.insert(all.end(), values.begin(), values.end());
  return all;
}

/// The authors' network and habits, as released.
Assignments reference_values() {
  return published_with({
      {"model.reference.attention", text("over-queries")},
      {"model.sparse_coder.threshold_activation", text("signed")},
      {"model.sparse_coder.initial_code", text("projected")},
      {"model.sparse_coder.lipschitz", text("trainable")},
      {"model.sparse_coder.dictionary_init", text("reference-dct")},
      {"train.validation_mode", text("train")},
      {"train.loss.sparsity", text("none")},
      {"data.noise.clip", true},
  });
}

/// The equations taken literally: Z(0) = 0, alpha >= 0, L an upper bound, the l1 term of Eq. 7, sums instead of means.
Assignments paper_values() {
  return published_with({
      {"model.reference.attention", text("over-keys")},
      {"model.sparse_coder.threshold_activation", text("relu")},
      {"model.sparse_coder.initial_code", text("zero")},
      {"model.sparse_coder.lipschitz", text("spectral")},
      {"model.sparse_coder.dictionary_init", text("overcomplete-dct")},
      {"model.sparse_coder.cbam_spatial_input", text("inferred")},
      {"model.vae.kl_weight", 1.0},
      {"train.loss.reduction", text("sum")},
      {"train.loss.sparsity", text("l1")},
      {"train.loss.sparsity_weight", 1.0},
      {"train.loss.detach_threshold", false},
  });
}

}  // namespace

std::span<const ProfileEntry> profile_entries() {
  static const std::vector<ProfileEntry> entries{
      {"sound", "what we would use ourselves; the defaults", {}},
      {"reference", "the authors' released code, oddities included; reads their weights and configurations",
       reference_values()},
      {"paper", "the paper's equations taken literally", paper_values()},
  };
  return entries;
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const ProfileEntry& entry : profile_entries()) names.push_back(entry.name);
  return names;
}

const ProfileEntry& find_profile(const std::string& name) {
  for (const ProfileEntry& entry : profile_entries())
    if (entry.name == name) return entry;
  throw UsageError("unknown profile '" + name + "'" + suggestion(name, profile_names()) +
                   "; known: " + join(profile_names(), ", "));
}

}  // namespace sscvae::experiments
