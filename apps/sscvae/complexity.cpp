#include "sscvae/tasks/complexity.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"
#include "sscvae/core/error.h"

namespace sscvae::cli {

namespace {

struct ComplexityArguments : tasks::ComplexityOptions {
  OutputOptions output;
};

}  // namespace

void add_complexity(CLI::App& app) {
  const auto options = std::make_shared<ComplexityArguments>();
  add_model_options(app, options->source);
  app.add_option("--size", options->size, "height x width of the image")->type_name("HxW")->capture_default_str();
  app.add_option("--rule", options->rule, "exact, or ptflops: as the published figures were counted")
      ->type_name("NAME")
      ->capture_default_str();
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  app.callback([options] {
    tasks::carry_out(options->output.json, options->output.overwrite,
                     [options] { return tasks::complexity(*options); });
  });
}

}  // namespace sscvae::cli
