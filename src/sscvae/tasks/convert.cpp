#include "sscvae/tasks/convert.h"

#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/graph/freeze.h"
#include "sscvae/models/weights.h"
#include "sscvae/onnx/onnx_export.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"

namespace sscvae::tasks {

namespace {

int64_t count_parameters(models::Autoencoder& model) {
  int64_t count = 0;
  for (const at::Tensor& parameter : model.parameters()) count += parameter.numel();
  return count;
}

Report describe(OpenedModel& opened, const serialization::StateDict& state, const std::string& out) {
  const int64_t parameters = count_parameters(*opened.model);
  const std::string name = opened.experiment.options.model.name;
  return make_report(format("%s: %s, %zu tensors, %lld parameters", out.c_str(), name.c_str(), state.size(),
                            static_cast<long long>(parameters)),
                     {{"out", out},
                      {"model", name},
                      {"tensors", state.size()},
                      {"parameters", parameters},
                      {"source_sha256", opened.sha256},
                      {"sha256", sha256_of_file(out)}});
}

Report export_onnx(OpenedModel& opened, const std::vector<std::string>& outputs, const std::string& out) {
  const graph::Graph graph = graph::freeze(*opened.model);
  onnx::Model file = onnx::to_onnx(graph, outputs);
  const std::string& name = opened.experiment.options.model.name;
  const auto multiple = std::to_string(graph.size_multiple);
  file.name = name;
  file.producer_version = version();
  file.description = "image: [0,1], height and width multiples of " + multiple + "; reconstruction: not clamped";
  file.metadata = {{models::kVersionKey, version()},
                   {"sscvae.model", name},
                   {models::kProfileKey, opened.experiment.options.profile},
                   {"sscvae.weights_sha256", opened.sha256},
                   {"sscvae.size_multiple", multiple}};
  onnx::write_onnx(out, file);
  std::vector<std::string> names;
  for (const onnx::ValueInfo& output : file.outputs) names.push_back(output.name);
  return make_report(
      format("%s: %s, %zu operators of opset %lld, %.1f MB", out.c_str(), name.c_str(), file.operators.size(),
             static_cast<long long>(onnx::kOpset), static_cast<double>(onnx::size_of(file)) / 1e6),
      {{"out", out},
       {"model", name},
       {"operators", file.operators.size()},
       {"opset", onnx::kOpset},
       {"outputs", names},
       {"size_multiple", graph.size_multiple},
       {"source_sha256", opened.sha256},
       {"sha256", sha256_of_file(out)}});
}

}  // namespace

Report import_weights(const ModelSource& source, const std::string& out, bool overwrite) {
  if (!out.ends_with(".safetensors")) throw UsageError("--out '" + out + "': expected a name ending in .safetensors");
  check_writable(out, overwrite);
  OpenedModel opened = open_model(source);
  const serialization::StateDict state = models::state_of(*opened.model);
  std::map<std::string, std::string> metadata = opened.metadata;
  metadata[models::kConfigKey] = opened.experiment.toml();
  metadata[models::kVersionKey] = version();
  metadata[models::kProfileKey] = opened.experiment.options.profile;
  metadata["sscvae.imported_sha256"] = opened.sha256;
  serialization::write_safetensors(out, state, metadata);
  return describe(opened, state, out);
}

Report export_weights(const ModelSource& source, const ExportOptions& options, const std::string& out, bool overwrite) {
  if (options.format != "torch" && options.format != "onnx")
    throw UsageError("--format: expected torch or onnx, got '" + options.format + "'" +
                     suggestion(options.format, {"torch", "onnx"}));
  if (options.format != "onnx" && !options.outputs.empty())
    throw UsageError("--outputs is for --format onnx: a file of weights has none");
  check_writable(out, overwrite);
  OpenedModel opened = open_model(source);
  if (options.format == "onnx") return export_onnx(opened, options.outputs, out);
  const serialization::StateDict state = models::state_of(*opened.model);
  serialization::write_torch_checkpoint(out, state);
  return describe(opened, state, out);
}

}  // namespace sscvae::tasks
