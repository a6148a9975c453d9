#include "sscvae/runtime/weights_file.h"

#include <algorithm>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/table.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::runtime {

using serialization::StateDict;

namespace {

/// A model may be this much larger than the tensors, so that for what is just another model load_state names the tensor
/// that does not fit.
constexpr double kSizeFactor = 2, kSizeSlack = 1e5;

void check_size(const networks::ModelOptions& options, const StateDict& state, const std::string& source) {
  double given = 0;
  for (const auto& [name, tensor] : state)
    if (!is_training_tensor(name)) given += static_cast<double>(tensor.numel());
  const double expected = networks::find_model(options.name).size(options);
  if (expected > kSizeFactor * given + kSizeSlack)
    throw FormatError(source + ": the configuration describes a model of " + to_text(expected) +
                      " numbers, the tensors of the file hold " + to_text(given));
}

}  // namespace

bool is_training_tensor(const std::string& name) { return name.starts_with(kTrainingPrefix); }

void check_state(const std::vector<Expected>& expected, const StateDict& state, const std::string& source) {
  std::vector<std::string> names;
  for (const auto& [name, wanted] : expected) {
    names.push_back(name);
    const Array* given = state.find(name);
    const std::string what = source + ": tensor '" + name + "'";
    if (!given) throw FormatError(what + " is missing" + suggestion(name, state.names()));
    if (given->sizes() != wanted.sizes())
      throw FormatError(what + ": expected shape " + shape_text(wanted) + ", got " + shape_text(*given));
    if (is_floating_point(given->type()) != is_floating_point(wanted.type()))
      throw FormatError(what + ": expected type " + name_of(wanted.type()) + ", got " + name_of(given->type()));
    if (is_floating_point(given->type()) && !all(isfinite(*given)))
      throw FormatError(what + " holds numbers that are not finite");
  }
  for (const auto& [name, tensor] : state)
    if (!is_training_tensor(name) && std::find(names.begin(), names.end(), name) == names.end())
      throw FormatError(source + ": tensor '" + name + "' does not belong to this model" + suggestion(name, names));
}

Model model_from_state(const networks::ModelOptions& options, const StateDict& state, const std::string& source) {
  check_size(options, state, source);
  std::vector<Expected> expected;
  for (const networks::Declared& weight : networks::find_model(options.name).network(options).weights)
    expected.emplace_back(weight.name, weight.placeholder);
  check_state(expected, state, source);
  std::map<std::string, Array> weights;
  for (const auto& [name, placeholder] : expected)
    weights[name] = state.find(name)->to(placeholder.type()).contiguous();
  return {options, std::move(weights)};
}

networks::ModelOptions model_options_of(const std::map<std::string, std::string>& metadata, const std::string& source) {
  const auto config = metadata.find(kConfigKey);
  if (config == metadata.end())
    throw FormatError(source + ": no configuration inside (metadata '" + kConfigKey +
                      "'); is it a weights file of this program? "
                      "Files of the authors' release come in through 'import'");
  try {
    networks::ModelOptions options;
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

LoadedModel load_weights(const std::filesystem::path& path) {
  serialization::TensorFile file = serialization::read_safetensors(path);
  try {
    Model model = model_from_state(model_options_of(file.metadata, path.string()), file.tensors, path.string());
    return {std::move(model), std::move(file.metadata), sha256_of_file(path)};
  } catch (const UsageError& error) {
    throw FormatError(path.string() + ": " + error.what());
  }
}

namespace {

/// The sizes of tensors of a file.
struct SizesOf {
  const StateDict& state;
  const std::string& source;
  int64_t operator()(const char* name, int64_t axis) const {
    const Array& tensor = state.at(name, source);
    if (axis >= tensor.dim())
      throw FormatError(source + ": tensor '" + name + "' has too few axes: " + shape_text(tensor));
    return tensor.size(axis);
  }
};

void infer_backbone(const SizesOf& size, networks::ModelOptions& options) {
  options.backbone = networks::Backbone::kReference;
  options.reference.hidden_channels_1 = size("_encoder._conv_1.weight", 0);
  options.in_channels = size("_encoder._conv_1.weight", 1);
  options.reference.hidden_channels_2 = size("_encoder._conv_2.weight", 1);
  const auto level = [](int64_t i) {
    return "_encoder._down_samples." + std::to_string(2 * i + 1) + "._block.0.weight";
  };
  options.down_samples = 0;
  while (size.state.find(level(options.down_samples))) ++options.down_samples;
}

void infer_sparse_coder(const SizesOf& size, networks::ModelOptions& options) {
  networks::SparseCoderOptions& coder = options.sparse_coder;
  coder.atom_dim = size("_LISTA._Dict", 0);
  coder.num_atoms = size("_LISTA._Dict", 1);
  coder.threshold_refinement = networks::ThresholdRefinement::kNone;
  if (const Array* alpha = size.state.find("_LISTA._alpha")) {
    options.name = "sc-vae";
    coder.threshold = networks::ThresholdKind::kPerPosition;
    if (alpha->dim() != 4)
      throw FormatError(size.source + ": tensor '_LISTA._alpha': expected [1, h, w, 1], got " + shape_text(*alpha));
    coder.grid_height = alpha->size(1);
    coder.grid_width = alpha->size(2);
    return;
  }
  coder.threshold = networks::ThresholdKind::kInferred;
  const bool refined = size.state.find("_LISTA._cbam.ChannelAtt._fc.0.weight");
  options.name = refined ? "ssc-vae" : "sc-vae-in";
  if (!refined) return;
  coder.threshold_refinement = networks::ThresholdRefinement::kCbam;
  coder.cbam_kernel = size("_LISTA._cbam.SpatialAtt._conv.weight", 3);
}

}  // namespace

networks::ModelOptions infer_model_options(const StateDict& state, networks::ModelOptions options,
                                           const std::string& source) {
  const SizesOf size{state, source};
  infer_backbone(size, options);
  if (state.find("_vq_layer.embedding.weight")) {
    if (options.name != "vq-gan") options.name = "vq-vae";  // the autoencoders of both are the same
    options.quantizer.num_codes = size("_vq_layer.embedding.weight", 0);
    options.quantizer.code_dim = size("_vq_layer.embedding.weight", 1);
  } else if (state.find("_posterior.weight")) {
    options.name = "vae";
    options.vae.latent_dim = size("_posterior.weight", 1);
  } else {
    infer_sparse_coder(size, options);
  }
  return options;
}

}  // namespace sscvae::runtime
