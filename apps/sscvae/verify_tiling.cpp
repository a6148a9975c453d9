#include "sscvae/tasks/verify_tiling.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct VerifyTilingArguments : tasks::VerifyTilingOptions {
  OutputOptions output;
};

}  // namespace

void add_verify_tiling(CLI::App& app) {
  const auto options = std::make_shared<VerifyTilingArguments>();
  app.add_option("image", options->image, "image to run in tiles and in one piece, which takes memory for all of it")
      ->type_name("IMG")
      ->required();
  app.add_option("--weights", options->source.weights, "weights file, or the name of shipped weights")
      ->type_name("W|NAME")
      ->required();
  app.add_option("--model-config", options->source.config, "configuration of weights without one (authors' JSON)")
      ->type_name("FILE");
  app.add_option("--sigma-8bit", options->sigma_8bit,
                 "of weights that denoise: noise level in grey levels of 0 to 255, or auto: estimated")
      ->type_name("S|auto")
      ->capture_default_str();
  add_reading_options(app, options->reading);
  add_tile_option(app, options->inference.tile, 1);
  add_engine_option(app, options->inference.engine);
  add_strength_option(app, options->inference.threshold_scale);
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  add_compute_options(app, options->inference.compute);
  app.callback([options] {
    tasks::carry_out(options->output.json, options->output.overwrite,
                     [options] { return tasks::verify_tiling(*options); });
  });
}

}  // namespace sscvae::cli
