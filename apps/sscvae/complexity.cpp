#include "sscvae/tasks/complexity.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"
#include "sscvae/core/error.h"

namespace sscvae::cli {

namespace {

struct Options : tasks::ComplexityOptions {
  OutputOptions output;
};

}  // namespace

void add_complexity(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--weights", options->weights, "weights file, or the name of shipped weights")->type_name("W");
  app.add_option("--config", options->config, "configuration of a fresh model (TOML, preset, authors' JSON)")
      ->type_name("FILE");
  app.add_option("--model", options->model, "kind of model, see 'sscvae list models'")->type_name("NAME");
  app.add_option("--set", options->set, "key=value on top of the configuration; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--size", options->size, "height x width of the image")->type_name("HxW")->capture_default_str();
  app.add_option("--rule", options->rule, "exact, or ptflops: as the published figures were counted")
      ->type_name("NAME")
      ->capture_default_str();
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  app.callback(
      [options] { tasks::deliver(tasks::complexity(*options), options->output.json, options->output.overwrite); });
}

}  // namespace sscvae::cli
