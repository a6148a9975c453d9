#include "sscvae/workshop/trace.h"

#include <CLI/CLI.hpp>

#include "sscvae-train/training.h"
#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct TraceArguments : workshop::TraceOptions {
  std::string json;
  int64_t threads = 0;
};

}  // namespace

void add_trace(CLI::App& app) {
  const auto options = std::make_shared<TraceArguments>();
  app.add_option("--weights", options->source.weights, "weights file; an authors' .pt or bare safetensors, too")
      ->type_name("W")
      ->required();
  add_source_options(app, options->source);
  app.add_option("--input", options->input, "safetensors with 'input' [N,C,H,W] (and 'target'), or an image")
      ->type_name("FILE")
      ->required();
  app.add_option("--out", options->out, "safetensors to write")->type_name("FILE")->required();
  app.add_option("--mode", options->mode, "eval or train")->type_name("MODE")->capture_default_str();
  app.add_option("--dtype", options->dtype, "float32 or float64")->type_name("NAME")->capture_default_str();
  app.add_flag("--gradients", options->gradients,
               "also the gradient of loss.total by every parameter and by the input");
  app.add_option("--threads", options->threads, "processor threads; 0: as many as there are")->type_name("N");
  add_reading_options(app, options->reading);
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite,
                     [options] {
                       runtime::ComputeOptions compute{"cpu", "fp32", options->threads};
                       compute.backend = this_program().backend;
                       runtime::resolve_compute(compute);
                       return workshop::trace(*options);
                     },
                     {{"--out", options->out}});
  });
}

}  // namespace sscvae::cli
