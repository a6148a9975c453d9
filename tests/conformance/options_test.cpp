#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "sscvae/core/error.h"
#include "sscvae/networks/options_read.h"
#include "sscvae/nn/arrays.h"
#include "support/small_models.h"

/// The options that a model says it reads are those that make it another one.
namespace sscvae::models {
namespace {

/// The behaviour of a model: its code, result and loss, and its weights after the updates of a training step.
/// Nothing where its options, or the images, are refused.
std::vector<at::Tensor> traces_of(const ModelOptions& options) {
  std::vector<at::Tensor> traces;
  try {
    const auto model = make_autoencoder(options, 1);
    torch::manual_seed(3);
    const at::Tensor images = torch::rand({2, options.in_channels, 64, 64});
    const at::NoGradGuard no_grad;
    model->initialize_from(images);
    const ForwardResult result = model->forward(images);
    model->observe(result);
    model->after_optimizer_step();
    traces = {result.code, result.threshold, result.reconstruction, result.latent_loss};
    for (const auto& item : model->named_parameters()) traces.push_back(item.value());
    for (const auto& item : model->named_buffers()) traces.push_back(item.value());
  } catch (const UsageError&) {
    traces.clear();
  } catch (const ShapeError&) {  // images of another size are wanted
    traces.clear();
  }
  return traces;
}

bool are_equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const at::Tensor& x, const at::Tensor& y) {
    return x.defined() == y.defined() && (!x.defined() || (x.sizes() == y.sizes() && at::equal(x, y)));
  });
}

/// Other values for an option.
std::vector<OptionValue> others_of(const Field& field) {
  const OptionValue value = field.get();
  if (const auto* flag = std::get_if<bool>(&value)) return {!*flag};
  if (const auto* whole = std::get_if<int64_t>(&value)) return {*whole + 1, *whole * 2, *whole / 2};
  if (const auto* real = std::get_if<double>(&value)) return {*real * 0.9 + 0.05, *real + 1.0};
  std::vector<OptionValue> others;
  for (const std::string& choice : field.choices)
    if (OptionValue(choice) != value) others.push_back(choice);
  return others;
}

bool changes_the_model(const ModelOptions& options, const std::string& key, const std::vector<at::Tensor>& traces) {
  ModelOptions other = options;
  FieldList fields;
  fields.add_section("model", other);
  const Field& field = fields.find(key, "test");
  for (const OptionValue& value : others_of(field)) {
    other = options;
    try {
      field.set(value);
    } catch (const UsageError&) {
      continue;  // out of its range
    }
    if (!are_equal(traces_of(other), traces)) return true;
  }
  return false;
}

class OptionConformance : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(OptionConformance, ThoseThatAreReadMakeAnotherModelAndNoOthers) {
  // These take effect later in a training than in its first step.
  const std::set<std::string> later{"model.csc.unit_ball", "model.quantizer.revival"};
  const auto& [model, profile] = GetParam();
  ModelOptions options = testing::small_options(model, profile), copy = options;
  const std::vector<at::Tensor> traces = traces_of(options);
  ASSERT_FALSE(traces.empty());
  FieldList fields;
  fields.add_section("model", copy);
  for (const std::string& key : fields.keys()) {
    if (key == "model.name" || later.contains(key)) continue;
    EXPECT_EQ(changes_the_model(options, key, traces), networks::reads_option(options, key)) << key;
  }
}

SSCVAE_FOR_ALL_MODELS(OptionConformance);

}  // namespace
}  // namespace sscvae::models
