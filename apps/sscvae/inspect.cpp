#include "sscvae/tasks/inspect.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct InspectArguments : tasks::InspectOptions {
  std::string json;
};

}  // namespace

void add_inspect(CLI::App& app) {
  const auto options = std::make_shared<InspectArguments>();
  app.add_option("weights", options->weights, "weights file, or the name of shipped weights")
      ->type_name("W")
      ->required();
  app.add_option("--atoms", options->atoms, "draw every atom or code, as the decoder shows it, into this PNG")
      ->type_name("PNG");
  app.add_option("--thresholds", options->thresholds, "draw the threshold maps of this image into --out")
      ->type_name("IMG");
  app.add_option("--codes", options->codes, "draw the code maps of this image into --out")->type_name("IMG");
  app.add_option("--out", options->out, "folder of these maps")->type_name("DIR");
  app.add_option("--diagram", options->diagram, "draw the network into this SVG")->type_name("SVG");
  app.add_option("--size", options->size, "height x width of the images that the sizes in it are of")
      ->type_name("HxW")
      ->capture_default_str();
  add_reading_options(app, options->reading);
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return tasks::inspect(*options); },
                     {{"--atoms", options->atoms}, {"--diagram", options->diagram}});
  });
}

}  // namespace sscvae::cli
