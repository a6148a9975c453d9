#pragma once

#include <CLI/CLI.hpp>

#include "sscvae/command.h"
#include "sscvae/tasks/restore.h"

namespace sscvae::cli {

/// Options that reconstruct and denoise have in common.
inline void add_restore_options(CLI::App& app, tasks::RestoreOptions& options, std::string& json) {
  app.add_option("input", options.inputs, "images, folders or patterns; - : standard input")
      ->type_name("IN")
      ->required();
  app.add_option("--weights", options.source.weights, "weights file, or the name of shipped weights")
      ->type_name("W|NAME")
      ->required();
  app.add_option("--model-config", options.source.config, "configuration of weights without one (authors' JSON)")
      ->type_name("FILE");
  app.add_option(
         "--out", options.out,
         "folder of the results; names and tree as in the input; - : the result of one image to standard output")
      ->type_name("DIR|-")
      ->required();
  app.add_option("--format", options.format, "keep (that of the input), png or jpg")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--novelty-maps", options.novelty_maps,
                 "write pictures of what each image has that the weights do not know (calibrated weights)")
      ->type_name("DIR");
  add_reading_options(app, options.reading);
  add_tile_option(app, options.inference.tile);
  add_engine_option(app, options.inference.engine);
  add_strength_option(app, options.inference.threshold_scale);
  add_json_option(app, json);
  add_overwrite_option(app, options.overwrite);
  app.add_flag("--skip-existing", options.skip_existing,
               "go on with an interrupted call: leave out images whose result is complete and not older than they are");
  add_compute_options(app, options.inference.compute);
}

/// --out as a file of the command where it is one: standard output.
inline std::vector<OutputFile> piped_output(const std::string& out) {
  return {{"--out", is_standard_output(out) ? out : ""}};
}

}  // namespace sscvae::cli
