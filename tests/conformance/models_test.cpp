#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/experiments/profiles.h"
#include "sscvae/models/losses.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/weights.h"
#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/train/training_step.h"
#include "support/paths.h"

/// What every entry of the model registry keeps in every profile.
namespace sscvae::models {
namespace {

struct Entry {
  std::string model, profile;
};
void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.model << ", profile " << entry.profile; }

class ModelConformance : public ::testing::TestWithParam<Entry> {
 protected:
  /// The entry's options at a size that trains in seconds.
  ModelOptions options() const {
    ModelOptions result;
    FieldList fields;
    fields.add_section("model", result);
    assign(fields, {{"model.name", GetParam().model}}, "test");
    const std::string& profile = GetParam().profile;
    for (const Assignments& values :
         {networks::find_model(GetParam().model).values(profile), experiments::find_profile(profile).values})
      for (const auto& value : values)
        if (value.first.starts_with("model.")) assign(fields, {value}, "test");
    result.down_samples = 2;
    result.lite.width = 16;
    result.reference.hidden_channels_1 = 8;
    result.reference.hidden_channels_2 = 16;
    result.reference.num_groups = 4;
    result.sparse_coder.num_atoms = 32;
    result.sparse_coder.atom_dim = 16;
    result.sparse_coder.num_iterations = 4;
    result.quantizer.num_codes = 32;
    result.quantizer.code_dim = result.vae.latent_dim = 16;
    result.sparse_coder.grid_height = result.sparse_coder.grid_width = 8;
    return result;
  }
};

TEST_P(ModelConformance, AnyImageSizeComesBack) {
  const auto model = make_autoencoder(options(), 1);
  model->eval();
  const at::NoGradGuard no_grad;
  for (const auto& [height, width] : {std::pair{1, 1}, {5, 3}, {32, 32}, {33, 47}}) {
    const ForwardResult result = forward_any_size(*model, torch::rand({2, 1, height, width}));
    EXPECT_EQ(result.reconstruction.sizes(), at::IntArrayRef({2, 1, height, width}));
    EXPECT_TRUE(result.reconstruction.isfinite().all().item<bool>());
  }
  EXPECT_THROW(model->forward(torch::rand({1, 1, 33, 32})), ShapeError);
  EXPECT_THROW(model->forward(torch::rand({1, 3, 32, 32})), ShapeError);
}

TEST_P(ModelConformance, EvaluationIsDeterministicAndDecodesItsOwnCode) {
  const auto model = make_autoencoder(options(), 1);
  model->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = torch::rand({2, 1, 32, 24});
  const ForwardResult result = model->forward(images);
  EXPECT_TRUE(at::equal(result.reconstruction, model->forward(images).reconstruction));
  EXPECT_TRUE(at::equal(result.code, model->encode(images)));
  EXPECT_TRUE(at::allclose(result.reconstruction, model->decode(result.code), 1e-5, 1e-6));
}

TEST_P(ModelConformance, WeightsFilesComeBackBitForBit) {
  const testing::TemporaryFolder folder;
  ModelOptions own = options();
  const auto model = make_autoencoder(own, 1);
  torch::manual_seed(4);
  const at::Tensor images = torch::rand({2, 1, 16, 24});
  model->initialize_from(images);
  model->forward(images);  // moves statistics
  FieldList fields;
  fields.add_section("model", own);
  serialization::write_safetensors(folder / "w.safetensors", state_of(*model),
                                   {{runtime::kConfigKey, to_toml(fields)}});
  const auto loaded = trainable(runtime::load_weights(folder / "w.safetensors").model);
  const auto before = state_of(*model), after = state_of(*loaded);
  EXPECT_EQ(before.names(), after.names());
  for (const auto& [name, tensor] : before) EXPECT_TRUE(at::equal(tensor, after.at(name))) << name;
  model->eval();
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(model->forward(images).reconstruction, loaded->forward(images).reconstruction));
}

TEST_P(ModelConformance, CodesHaveNumbersOrNot) {
  const auto model = make_autoencoder(options(), 1);
  model->eval();
  const at::NoGradGuard no_grad;
  const ForwardResult result = model->forward(torch::rand({2, 1, 16, 24}));
  EXPECT_EQ(result.indices.defined(), model->num_codes() > 0);
  EXPECT_EQ(result.sparse_code().defined(), model->dictionary().defined());
  if (result.indices.defined()) EXPECT_TRUE(at::equal(model->decode_indices(result.indices), result.reconstruction));
  else EXPECT_THROW(model->decode_indices(torch::zeros({1, 4, 4}, at::kLong)), UsageError);
}

TEST_P(ModelConformance, TheSeedDecidesTheInitialWeights) {
  const auto a = state_of(*make_autoencoder(options(), 5)), b = state_of(*make_autoencoder(options(), 5));
  const auto other = state_of(*make_autoencoder(options(), 6));
  bool differs = false;
  for (const auto& [name, tensor] : a) {
    EXPECT_TRUE(at::equal(tensor, b.at(name))) << name;
    differs = differs || !at::equal(tensor, other.at(name));
  }
  EXPECT_TRUE(differs);
}

TEST_P(ModelConformance, GradientsReachEveryParameter) {
  ModelOptions some = options();
  some.sparse_coder.cbam_reduction = 4;  // of two hidden units both may start where their ReLU is flat
  const auto model = make_autoencoder(some, 1);
  torch::manual_seed(2);
  const at::Tensor images = torch::rand({2, 1, 32, 32});
  model->initialize_from(images);
  LossOptions losses;
  losses.latent_weight = 1;
  compute_losses(model->forward(images), images, losses, 1e-3).total.backward();
  for (const auto& item : model->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

TEST_P(ModelConformance, OverfitsOneBatch) {
  ModelOptions small = options();
  small.vae.kl_weight = std::min(small.vae.kl_weight, 1e-4);  // the bound itself, profile paper's 1, keeps codes empty
  const auto model = make_autoencoder(small, 1);
  torch::manual_seed(3);
  // Smooth images: an upsampled random grid.
  const at::Tensor images = torch::rand({2, 1, 4, 4}).repeat_interleave(8, 2).repeat_interleave(8, 3);
  model->initialize_from(images);
  model->train();
  train::Adam adam(train::named_parameters(*model), {});
  train::StepSettings settings;
  settings.gradient_clip = 0.5;
  settings.loss.sparsity = Sparsity::kNone;
  settings.loss.latent_weight = model->forward(images).latent_loss.defined() ? 1 : 0;
  double first = 0, last = 0;
  for (int64_t step = 1; step <= 150; ++step) {
    last = train::training_step(*model, adam, {{images, images, {}}}, settings, 0, 2e-3, step).reconstruction;
    if (step == 1) first = last;
  }
  constexpr double kClose = 1e-4;  // 40 dB, where a model may start
  EXPECT_LT(last, std::max(first / 4, kClose)) << "from " << first;
}

std::vector<Entry> all_entries() {
  std::vector<Entry> entries;
  for (const std::string& profile : experiments::profile_names())
    for (const std::string& model : networks::model_names()) entries.push_back({model, profile});
  return entries;
}

INSTANTIATE_TEST_SUITE_P(Registry, ModelConformance, ::testing::ValuesIn(all_entries()), [](const auto& entry) {
  std::string name = entry.param.model + "_" + entry.param.profile;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace sscvae::models
