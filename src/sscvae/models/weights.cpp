#include "sscvae/models/weights.h"

#include <ATen/ops/isfinite.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/models/registry.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::models {

using serialization::StateDict;

namespace {

void collect(torch::nn::Module& module, const std::string& prefix, NamedTensors& tensors) {
  for (const auto& item : module.named_parameters(false)) tensors.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_buffers(false)) tensors.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_children()) collect(*item.value(), prefix + item.key() + ".", tensors);
}

bool is_training_tensor(const std::string& name) { return name.starts_with(kTrainingPrefix); }

/// A model may be this much larger than the tensors, so that for what is just another model load_state names the tensor
/// that does not fit.
constexpr double kSizeFactor = 2, kSizeSlack = 1e5;

void check_size(const ModelOptions& options, const StateDict& state, const std::string& source) {
  double given = 0;
  for (const auto& [name, tensor] : state)
    if (!is_training_tensor(name)) given += static_cast<double>(tensor.numel());
  const double expected = find_model(options.name).size(options);
  if (expected > kSizeFactor * given + kSizeSlack)
    throw FormatError(source + ": the configuration describes a model of " + to_text(expected) +
                      " numbers, the tensors of the file hold " + to_text(given));
}

}  // namespace

NamedTensors named_tensors(torch::nn::Module& module) {
  NamedTensors tensors;
  collect(module, "", tensors);
  return tensors;
}

StateDict state_from(const NamedTensors& tensors) {
  StateDict state;
  for (const auto& [name, tensor] : tensors) state.add(name, tensor.detach().cpu());
  return state;
}

StateDict state_of(torch::nn::Module& module) { return state_from(named_tensors(module)); }

void load_state(torch::nn::Module& module, const StateDict& state, const std::string& source) {
  const NamedTensors own = named_tensors(module);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : own) {
    names.push_back(name);
    const Array* given = state.find(name);
    if (!given) throw FormatError(source + ": tensor '" + name + "' is missing" + suggestion(name, state.names()));
    if (given->sizes() != sizes_of(tensor.sizes()))
      throw FormatError(source + ": tensor '" + name + "': expected shape " + shape_text(tensor) + ", got " +
                        shape_text(*given));
    if (is_floating_point(given->type()) != tensor.is_floating_point())
      throw FormatError(source + ": tensor '" + name + "': expected type " +
                        name_of(data_type_of(tensor.scalar_type())) + ", got " + name_of(given->type()));
    if (is_floating_point(given->type()) && !all(isfinite(*given)))
      throw FormatError(source + ": tensor '" + name + "' holds numbers that are not finite");
  }
  for (const auto& [name, tensor] : state)
    if (!is_training_tensor(name) && std::find(names.begin(), names.end(), name) == names.end())
      throw FormatError(source + ": tensor '" + name + "' does not belong to this model" + suggestion(name, names));
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) at::Tensor(tensor).copy_(at::Tensor(*state.find(name)));
}

ModelOptions model_options_of(const std::map<std::string, std::string>& metadata, const std::string& source) {
  const auto config = metadata.find(kConfigKey);
  if (config == metadata.end())
    throw FormatError(source + ": no configuration inside (metadata '" + kConfigKey +
                      "'); is it a weights file of this program? "
                      "Files of the authors' release come in through 'import'");
  try {
    ModelOptions options;
    FieldList fields;
    fields.add_section("model", options);
    Assignments own;
    for (auto& [key, value] : parse_toml(config->second, source))
      if (key.starts_with("model.")) own.emplace_back(key, value);
    assign(fields, own, source);
    return options;
  } catch (const UsageError& error) {
    throw FormatError(error.what());  // the user did not write this configuration: the file is at fault
  }
}

std::shared_ptr<Autoencoder> make_from_state(const ModelOptions& options, const StateDict& state,
                                             const std::string& source) {
  check_size(options, state, source);
  std::shared_ptr<Autoencoder> model = make_autoencoder(options, 0);
  load_state(*model, state, source);
  return model;
}

LoadedModel load_weights(const std::filesystem::path& path) {
  serialization::TensorFile file = serialization::read_safetensors(path);
  LoadedModel loaded;
  try {
    loaded.model = make_from_state(model_options_of(file.metadata, path.string()), file.tensors, path.string());
  } catch (const UsageError& error) {
    throw FormatError(path.string() + ": " + error.what());
  }
  loaded.model->eval();
  loaded.metadata = std::move(file.metadata);
  loaded.sha256 = sha256_of_file(path);
  return loaded;
}

ModelOptions infer_model_options(const StateDict& state, ModelOptions options, const std::string& source) {
  const auto size = [&](const char* name, int64_t axis) {
    const Array& tensor = state.at(name, source);
    if (axis >= tensor.dim())
      throw FormatError(source + ": tensor '" + name + "' has too few axes: " + shape_text(tensor));
    return tensor.size(axis);
  };
  options.backbone = Backbone::kReference;
  options.reference.hidden_channels_1 = size("_encoder._conv_1.weight", 0);
  options.in_channels = size("_encoder._conv_1.weight", 1);
  options.reference.hidden_channels_2 = size("_encoder._conv_2.weight", 1);
  options.down_samples = 0;
  while (state.find("_encoder._down_samples." + std::to_string(2 * options.down_samples + 1) + "._block.0.weight"))
    ++options.down_samples;
  if (state.find("_vq_layer.embedding.weight")) {
    if (options.name != "vq-gan") options.name = "vq-vae";  // the autoencoders of both are the same
    options.quantizer.num_codes = size("_vq_layer.embedding.weight", 0);
    options.quantizer.code_dim = size("_vq_layer.embedding.weight", 1);
    return options;
  }
  if (state.find("_posterior.weight")) {
    options.name = "vae";
    options.vae.latent_dim = size("_posterior.weight", 1);
    return options;
  }
  options.sparse_coder.atom_dim = size("_LISTA._Dict", 0);
  options.sparse_coder.num_atoms = size("_LISTA._Dict", 1);
  networks::SparseCoderOptions& coder = options.sparse_coder;
  coder.threshold_refinement = networks::ThresholdRefinement::kNone;
  if (const Array* alpha = state.find("_LISTA._alpha")) {
    options.name = "sc-vae";
    coder.threshold = networks::ThresholdKind::kPerPosition;
    if (alpha->dim() != 4)
      throw FormatError(source + ": tensor '_LISTA._alpha': expected [1, h, w, 1], got " + shape_text(*alpha));
    coder.grid_height = alpha->size(1);
    coder.grid_width = alpha->size(2);
  } else {
    coder.threshold = networks::ThresholdKind::kInferred;
    const Array* squeeze = state.find("_LISTA._cbam.ChannelAtt._fc.0.weight");
    options.name = squeeze ? "ssc-vae" : "sc-vae-in";
    if (squeeze) {
      coder.threshold_refinement = networks::ThresholdRefinement::kCbam;
      coder.cbam_kernel = size("_LISTA._cbam.SpatialAtt._conv.weight", 3);
    }
  }
  return options;
}

}  // namespace sscvae::models
