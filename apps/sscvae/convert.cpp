#include "sscvae/tasks/convert.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct ConvertArguments {
  runtime::ModelSource source;
  std::string out;
  tasks::ExportOptions target;
  OutputOptions output;
};

std::shared_ptr<ConvertArguments> add_common(CLI::App& app, const char* input) {
  const auto options = std::make_shared<ConvertArguments>();
  app.add_option("weights", options->source.weights, input)->type_name("W")->required();
  app.add_option("--out", options->out, "file to write")->type_name("FILE")->required();
  add_source_options(app, options->source);
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  return options;
}

}  // namespace

void add_import(CLI::App& app) {
  const auto options = add_common(app, "an authors' checkpoint (.pt), or safetensors without a configuration");
  app.callback([options] {
    const OutputOptions& output = options->output;
    tasks::carry_out(
        output.json, output.overwrite,
        [options] { return tasks::import_weights(options->source, options->out, options->output.overwrite); },
        {{"--out", options->out}});
  });
}

void add_export(CLI::App& app) {
  const auto options = add_common(app, "weights file, or the name of shipped weights");
  app.add_option("--format", options->target.format,
                 "torch: a state dict for Python's torch.load(weights_only=True); safetensors: a weights file of this "
                 "program, with configuration, without training state; "
                 "onnx: the whole model for ONNX Runtime, OpenVINO and others")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--type", options->target.type,
                 "of the stored numbers: f32, f16 or bf16 (files of half the size; every command reads them)")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--outputs", options->target.outputs,
                 "onnx: what comes out beside the reconstruction: features, threshold, code, log_variance, "
                 "coded_features, logits")
      ->type_name("NAME1,NAME2")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.callback([options] {
    const OutputOptions& output = options->output;
    tasks::carry_out(output.json, output.overwrite,
                     [options] {
                       return tasks::export_weights(options->source, options->target, options->out,
                                                    options->output.overwrite);
                     },
                     {{"--out", options->out}});
  });
}

}  // namespace sscvae::cli
