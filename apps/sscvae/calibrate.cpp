#include "sscvae/tasks/calibrate.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct CalibrateArguments : tasks::CalibrateOptions {
  std::string json;
};

}  // namespace

void add_calibrate(CLI::App& app) {
  const auto options = std::make_shared<CalibrateArguments>();
  app.add_option("--weights", options->source.weights, "weights file, or the name of shipped weights")
      ->type_name("W|NAME")
      ->required();
  app.add_option("--out", options->out, "the same weights with what they learned about usual images")
      ->type_name("FILE")
      ->required();
  add_image_selection_options(app, options->images, "val");
  add_reading_options(app, options->reading);
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  add_compute_options(app, options->compute);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return tasks::calibrate(*options); },
                     {{"--out", options->out}});
  });
}

}  // namespace sscvae::cli
