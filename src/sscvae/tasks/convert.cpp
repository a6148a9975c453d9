#include "sscvae/tasks/convert.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/core/wording.h"
#include "sscvae/onnx/onnx_export.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"

namespace sscvae::tasks {

namespace {

Report describe(runtime::OpenedModel& opened, const serialization::StateDict& state, const std::string& out) {
  const int64_t parameters = opened.model->parameters();
  const std::string name = opened.experiment.options.model.name;
  return make_report(
      out + ": " + name + ", " + count_text(state.size(), "tensor") + ", " + count_text(parameters, "parameter"),
      {{"out", out},
       {"model", name},
       {"tensors", state.size()},
       {"parameters", parameters},
       {"source_sha256", opened.sha256},
       {"sha256", sha256_of_file(out)}});
}

Report export_onnx(runtime::OpenedModel& opened, const std::vector<std::string>& outputs, const std::string& out) {
  const graph::Graph graph = opened.model->bound();
  onnx::Model file = onnx::to_onnx(graph, outputs, opened.experiment.options.task == experiments::Task::kDenoise);
  const std::string& name = opened.experiment.options.model.name;
  const auto multiple = std::to_string(graph.size_multiple);
  file.name = name;
  file.producer_version = version();
  const std::string smallest = std::to_string(onnx::smallest_size(graph));
  const std::string channels = graph.in_channels == 3 ? "RGB" : "grey";
  file.description = "image: " + channels + " in [0,1], [batch,channel,height,width], height and width multiples of " +
                     multiple + ", at least " + smallest + "; reconstruction: not clamped";
  file.metadata = {{runtime::kVersionKey, version()},
                   {"sscvae.model", name},
                   {runtime::kProfileKey, opened.experiment.options.profile},
                   {"sscvae.weights_sha256", opened.sha256},
                   {"sscvae.channels", channels},
                   {"sscvae.layout", "NCHW"},
                   {"sscvae.values", "[0,1]"},
                   {"sscvae.size_multiple", multiple},
                   {"sscvae.smallest_size", smallest}};
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
       {"channels", channels},
       {"size_multiple", graph.size_multiple},
       {"smallest_size", onnx::smallest_size(graph)},
       {"source_sha256", opened.sha256},
       {"sha256", sha256_of_file(out)}});
}

/// The weights with floating-point tensors in that type; training state stays behind.
serialization::StateDict stored_as(const std::string& type, const serialization::StateDict& state) {
  const DataType wanted = type == "f16" ? kFloat16 : type == "bf16" ? kBFloat16 : kFloat32;
  serialization::StateDict result;
  for (const auto& [name, tensor] : state) {
    if (!is_floating_point(tensor.type())) {
      result.add(name, tensor);
      continue;
    }
    const Array stored = tensor.to(wanted);
    if (!all(isfinite(stored)) && all(isfinite(tensor)))
      throw FormatError("tensor '" + name + "' has values too large for " + type);
    result.add(name, stored);
  }
  return result;
}

void check_export(const ExportOptions& options, const std::string& out) {
  const std::vector<std::string> formats{"torch", "safetensors", "onnx"}, types{"f32", "f16", "bf16"};
  const auto is_in = [](const std::string& name, const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!is_in(options.format, formats))
    throw UsageError("--format: expected torch, safetensors or onnx, got '" + options.format + "'" +
                     suggestion(options.format, formats));
  if (!is_in(options.type, types))
    throw UsageError("--type: expected f32, f16 or bf16, got '" + options.type + "'" + suggestion(options.type, types));
  if (options.format != "onnx" && !options.outputs.empty())
    throw UsageError("--outputs is for --format onnx: a file of weights has none");
  if (options.format == "onnx" && options.type != "f32")
    throw UsageError("--type is for files of weights: --format onnx is float32");
  if (options.format == "safetensors" && !has_extension(out, ".safetensors"))
    throw UsageError("--out '" + out + "': expected a name ending in .safetensors");
}

std::map<std::string, std::string> written_metadata(const runtime::OpenedModel& opened) {
  std::map<std::string, std::string> metadata = runtime::metadata_for_others(opened);
  metadata[runtime::kVersionKey] = version();
  return metadata;
}

}  // namespace

Report import_weights(const runtime::ModelSource& source, const std::string& out, bool overwrite) {
  if (!has_extension(out, ".safetensors"))
    throw UsageError("--out '" + out + "': expected a name ending in .safetensors");
  check_writable(out, overwrite);
  runtime::OpenedModel opened = runtime::open_model(source);
  const serialization::StateDict state = opened.model->state();
  std::map<std::string, std::string> metadata = written_metadata(opened);
  metadata["sscvae.imported_sha256"] = opened.sha256;
  serialization::write_safetensors(out, state, metadata);
  return describe(opened, state, out);
}

Report export_weights(const runtime::ModelSource& source, const ExportOptions& options, const std::string& out,
                      bool overwrite) {
  check_export(options, out);
  check_writable(out, overwrite);
  runtime::OpenedModel opened = runtime::open_model(source);
  if (options.format == "onnx") return export_onnx(opened, options.outputs, out);
  const serialization::StateDict state = stored_as(options.type, opened.model->state());
  if (options.format == "torch") serialization::write_torch_checkpoint(out, state);
  else serialization::write_safetensors(out, state, written_metadata(opened));
  return describe(opened, state, out);
}

}  // namespace sscvae::tasks
