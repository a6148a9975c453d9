#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>

#include "sscvae/models/losses.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"
#include "support/reference_models.h"
#include "support/tensor_dict.h"
#include "support/tolerances.h"

/// Whole networks against the reference's outputs, intermediates, losses, gradients and BatchNorm statistics.
namespace sscvae {
namespace {

using testing::is_close;
using testing::is_close_but_for_kinks;
using testing::reference_losses;
using testing::TensorDict;

const std::vector<std::string> kCases{"sscvae_gray",    "sscvae_rgb", "scvae_gray",
                                      "scvae_stock256", "vqvae_gray", "vqvae_rgb"};

/// In which precision the network computes, and in which its numbers were recorded.
struct Comparison {
  at::ScalarType computed, recorded;
  std::string numbers() const { return recorded == at::kDouble ? "float64" : "float32"; }
  /// What the comparison can promise.
  at::ScalarType precision() const { return computed == at::kDouble ? recorded : computed; }
};

/// Those of kCases that the folder of numbers has.
std::vector<std::string> cases() {
  std::vector<std::string> found;
  for (const std::string& name : kCases)
    if (std::filesystem::exists(testing::parity_folder() / "models" / name)) found.push_back(name);
  for (const std::string kind : {"sscvae", "scvae", "vqvae"})
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const auto& name) { return name.starts_with(kind); }));
  return found;
}

struct Case {
  nlohmann::json expected;
  TensorDict state, input;
  std::filesystem::path folder;

  explicit Case(const std::string& name) : folder(testing::parity_folder() / "models" / name) {
    expected = testing::read_json(folder / "expected.json");
    state = serialization::read_torch_checkpoint(folder / "state.pt");
    input = serialization::read_safetensors(folder / "input.safetensors").tensors;
  }
  at::Tensor images(at::ScalarType dtype) const {
    const at::Tensor* bytes = input.find("input_uint8");
    return bytes ? bytes->to(dtype) / 255.0 : input.at("input").to(dtype);
  }
  TensorDict file(const std::string& name) const {
    return serialization::read_safetensors(folder / (name + ".safetensors")).tensors;
  }
  bool has(const std::string& name) const { return std::filesystem::exists(folder / (name + ".safetensors")); }
  /// The precision of the numbers for a network in float32: those of float64 serve where there are no others.
  at::ScalarType recorded() const { return has("eval_float32") ? at::kFloat : at::kDouble; }
};

void expect_tensors(const models::ForwardResult& result, const TensorDict& file, at::ScalarType dtype) {
  const std::pair<const char*, at::Tensor> intermediates[] = {{"latent", result.features},
                                                              {"alpha_inferred", result.threshold_inference},
                                                              {"alpha_refined", result.threshold_refinement},
                                                              {"theta", result.threshold},
                                                              {"code", result.code},
                                                              {"latent_recon", result.coded_features}};
  for (const auto& [name, tensor] : intermediates)
    if (const at::Tensor* expected = file.find(name)) {
      EXPECT_TRUE(is_close(tensor, *expected, testing::kIntermediate.of(dtype))) << name;
    }
  if (const at::Tensor* indices = file.find("indices")) {
    EXPECT_TRUE(at::equal(result.indices, *indices));
  }
  const std::pair<const char*, at::Tensor> outputs[] = {{"logits", result.logits}, {"recon", result.reconstruction}};
  for (const auto& [name, tensor] : outputs)
    if (const at::Tensor* expected = file.find(name)) {
      EXPECT_TRUE(is_close(tensor, *expected, testing::kOutput.of(dtype))) << name;
    }
  if (const at::Tensor* rows = file.find("recon_rows_96_to_159_columns_64_to_159")) {
    EXPECT_TRUE(is_close(result.reconstruction.slice(2, 96, 160).slice(3, 64, 160), *rows, testing::kOutput.of(dtype)));
  }
}

void expect_losses(const models::Losses& losses, const nlohmann::json& expected, at::ScalarType dtype) {
  const std::pair<const char*, at::Tensor> terms[] = {{"recon_loss", losses.reconstruction},
                                                      {"latent_loss", losses.latent},
                                                      {"vq_loss", losses.latent},
                                                      {"total_loss", losses.total}};
  for (const auto& [name, value] : terms) {
    if (!expected.contains(name)) continue;
    const double wanted = expected.at(name);
    EXPECT_NEAR(value.item<double>(), wanted, testing::kLoss.of(dtype) * std::abs(wanted)) << name;
  }
}

/// Gradients of the total loss by parameter name. Biases in front of a BatchNorm have gradient zero: only rounding
/// remains.
void expect_gradients(models::Autoencoder& model, const at::Tensor& input, const at::Tensor& total, const Case& parity,
                      const Comparison& comparison) {
  const TensorDict file =
      parity.file("train_gradients_" + comparison.numbers());  // of all parameters, or of short ones
  const auto zero_names = parity.expected.at("gradients_that_are_mathematically_zero_in_train_mode")
                              .at("names")
                              .get<std::vector<std::string>>();
  std::vector<at::Tensor> targets{input};
  std::vector<std::string> names{"input"};
  for (const auto& item : model.named_parameters()) {
    targets.push_back(item.value());
    names.push_back(item.key());
  }
  const auto gradients = torch::autograd::grad({total}, targets, {}, true);
  size_t compared = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(zero_names.begin(), zero_names.end(), names[i]) != zero_names.end()) {
      EXPECT_LT(gradients[i].abs().max().item<double>(), comparison.computed == at::kDouble ? 1e-10 : 1e-4) << names[i];
      continue;
    }
    const at::Tensor* expected = file.find(names[i]);
    if (!expected) continue;
    if (comparison.computed == at::kFloat) EXPECT_TRUE(is_close_but_for_kinks(gradients[i], *expected)) << names[i];
    else EXPECT_TRUE(is_close(gradients[i], *expected, testing::kGradient.of(comparison.recorded))) << names[i];
    ++compared;
  }
  EXPECT_GE(2 * compared, names.size() - zero_names.size());
}

void expect_case(const std::string& name, const Comparison& comparison) {
  const at::ScalarType dtype = comparison.precision();
  const std::string suffix = comparison.numbers();
  SCOPED_TRACE(name + " " + suffix);
  const Case parity(name);
  const auto model = testing::reference_model(parity.expected.at("config"), parity.state);
  model->to(comparison.computed);
  const at::Tensor input = parity.images(comparison.computed).requires_grad_();

  model->eval();
  const models::ForwardResult eval = model->forward(input);
  expect_tensors(eval, parity.file("eval_" + suffix), dtype);
  expect_losses(models::compute_losses(eval, input, reference_losses(), 0), parity.expected.at("eval").at(suffix),
                dtype);
  EXPECT_TRUE(is_close(model->decode(eval.code), eval.reconstruction, 1e-6));

  model->train();
  const models::ForwardResult train = model->forward(input);
  expect_tensors(train, parity.file("train_" + suffix), dtype);
  const models::Losses losses = models::compute_losses(train, input.detach(), reference_losses(), 0);
  expect_losses(losses, parity.expected.at("train").at(suffix), dtype);
  const TensorDict buffers = parity.file("train_buffers_after_" + suffix);
  for (const auto& [key, expected] : buffers) {
    const at::Tensor actual = as_tensor(models::state_of(*model).at(key));
    if (expected.scalar_type() == at::kLong) EXPECT_TRUE(at::equal(actual, expected)) << key;
    else EXPECT_TRUE(is_close(actual, expected, testing::kBuffer.of(dtype))) << key;
  }
  if (parity.has("train_gradients_" + suffix)) {
    // The input is also the target: its gradient has two paths.
    const models::Losses both = models::compute_losses(train, input, reference_losses(), 0);
    expect_gradients(*model, input, both.total, parity, comparison);
  }
}

TEST(ModelParity, Float32) {
  for (const std::string& name : cases()) expect_case(name, {at::kFloat, Case(name).recorded()});
}

/// Each entry of each gradient, which float32 cannot promise near kinks.
TEST(ModelParity, Float64BesideNumbersInFloat32) {
  for (const std::string& name : cases())
    if (Case(name).recorded() == at::kFloat) expect_case(name, {at::kDouble, at::kFloat});
}

TEST(ModelParity, Float64) { expect_case("sscvae_gray", {at::kDouble, at::kDouble}); }

TEST(ModelParity, SingleLayers) {
  // What single layers make is covered block by block in nn; here the channel attention between the two threshold maps.
  const Case parity("sscvae_gray");
  const TensorDict file = parity.file(parity.has("eval_float32") ? "eval_float32" : "eval_float64");
  const auto model = testing::reference_model(parity.expected.at("config"), parity.state);
  model->eval();
  const auto result = model->forward(parity.images(at::kFloat));
  EXPECT_FALSE(at::equal(result.threshold_inference, result.threshold_refinement));
  EXPECT_TRUE(is_close(result.threshold_refinement, file.at("alpha_refined"), testing::kIntermediate.float32));
}

TEST(ModelParity, CodesAreDecoded) {
  for (const std::string& name : cases()) {
    SCOPED_TRACE(name);
    const Case parity(name);
    if (!parity.has("generation")) continue;
    const TensorDict file = parity.file("generation");
    const auto model = testing::reference_model(parity.expected.at("config"), parity.state);
    model->eval();
    EXPECT_TRUE(
        is_close(model->decode(file.at("code").to(at::kFloat)), file.at("recon_float64"), testing::kOutput.float32));
    model->to(at::kDouble);
    EXPECT_TRUE(
        is_close(model->decode(file.at("code").to(at::kDouble)), file.at("recon_float64"), testing::kOutput.float64));
  }
}

TEST(ModelParity, CodesAreDecodedByNumber) {
  for (const std::string& name : cases()) {
    SCOPED_TRACE(name);
    const Case parity(name);
    if (!parity.has("decode_indices")) continue;
    const TensorDict file = parity.file("decode_indices");
    const auto model = testing::reference_model(parity.expected.at("config"), parity.state);
    model->eval();
    const at::Tensor& indices = file.at("indices");
    EXPECT_TRUE(is_close(model->decode_indices(indices), file.at("recon_float32"), testing::kOutput.float32));
    EXPECT_TRUE(is_close(model->decode(file.at("quantized")), file.at("recon_float32"), testing::kOutput.float32));
    model->to(at::kDouble);
    EXPECT_TRUE(is_close(model->decode_indices(indices), file.at("recon_float64"), testing::kOutput.float64));
  }
}

void expect_keys(const TensorDict& state, const nlohmann::json& keys) {
  ASSERT_EQ(state.size(), keys.size());
  size_t index = 0;
  for (const auto& [name, tensor] : state) {
    EXPECT_EQ(name, keys[index][0].get<std::string>());
    EXPECT_EQ(tensor.sizes().vec(), keys[index][1].get<std::vector<int64_t>>()) << name;
    ++index;
  }
}

TEST(ModelParity, ParameterCountsAndKeysOfThePaper) {
  const auto facts = testing::read_json(testing::parity_folder() / "facts/paper_configuration.json");
  nlohmann::json config = facts.at("configuration");
  const auto count = [](torch::nn::Module& module) {
    int64_t total = 0;
    for (const at::Tensor& parameter : module.parameters()) total += parameter.numel();
    return total;
  };
  for (const int64_t channels : {1, 3})
    for (const std::string kind : {"SSCVAE", "SCVAE", "VQVAE"}) {
      const std::string label = kind + "_" + std::to_string(channels) + "ch";
      SCOPED_TRACE(label);
      config["kind"] = kind;
      config["c"] = channels;
      const auto model = models::make_autoencoder(testing::reference_options(config), 1);
      EXPECT_EQ(count(*model), facts.at("models").at(label).at("parameters").get<int64_t>());
      const TensorDict state = models::state_of(*model);
      const auto keys = testing::parity_folder() / ("facts/state_keys_" + label + ".json");
      if (channels == 1 || std::filesystem::exists(keys)) expect_keys(state, testing::read_json(keys));
      if (kind == "VQVAE")
        EXPECT_EQ(count(*model) - state.at("_vq_layer.embedding.weight").numel(),
                  facts.at("models")
                      .at("autoencoder_without_code_" + std::to_string(channels) + "ch")
                      .at("parameters")
                      .get<int64_t>());
      else
        EXPECT_NEAR(state.at("_LISTA._L").item<double>(), facts.at("models").at(label).at("initial_L").get<double>(),
                    1e-3);
    }
  config["kind"] = "SSCVAE";
  config["c"] = 1;
  models::ModelOptions ablation = testing::reference_options(config);
  ablation.name = "sc-vae-in";
  ablation.sparse_coder.threshold_refinement = networks::ThresholdRefinement::kNone;
  EXPECT_EQ(count(*models::make_autoencoder(ablation, 1)), 22915970);
}

TEST(ModelParity, CheckpointsOfTheReferenceComeInAndGoOut) {
  const testing::TemporaryFolder folder;
  for (const std::string& name : cases()) {
    SCOPED_TRACE(name);
    const Case parity(name);
    const TensorDict& read = parity.state;
    const auto model = testing::reference_model(parity.expected.at("config"), read);
    serialization::write_torch_checkpoint(folder / "out.pt", models::state_of(*model));
    const TensorDict again = serialization::read_torch_checkpoint(folder / "out.pt");
    EXPECT_EQ(again.names(), read.names());
    for (const auto& [key, tensor] : read) EXPECT_TRUE(at::equal(tensor, again.at(key))) << key;
    const models::ModelOptions guessed =
        runtime::infer_model_options(read, testing::reference_options(parity.expected.at("config")), name);
    EXPECT_EQ(guessed.name, model->options().name);
    EXPECT_EQ(guessed.down_samples, model->options().down_samples);
  }
}

}  // namespace
}  // namespace sscvae
