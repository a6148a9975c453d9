#include "sscvae/tasks/compare.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct CompareArguments : tasks::CompareOptions {
  OutputOptions output;
};

}  // namespace

void add_compare(CLI::App& app) {
  const auto options = std::make_shared<CompareArguments>();
  app.add_option("a", options->a, "original: an image or a folder; with --runs a table")->type_name("A")->required();
  app.add_option("b", options->b, "what is compared with it, matched by name without extension")
      ->type_name("B")
      ->required();
  app.add_flag("--sets", options->sets,
               "FID and KID between two folders as wholes; names, sizes and numbers need not match");
  app.add_option("--inception", options->features.inception,
                 "weights of the FID's Inception network (the original .pth or safetensors), for --sets")
      ->type_name("FILE");
  app.add_option("--feature-cache", options->features.cache, "keep features in this folder, for --sets")
      ->type_name("FOLDER");
  app.add_flag("--runs", options->runs,
               "A and B are CSV files of 'evaluate --per-image': mean differences over common images");
  app.add_option("--metrics", options->metrics,
                 "comma-separated, see 'sscvae list metrics' (default: all between images)")
      ->type_name("M1,M2")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--protocol", options->protocol, "rule of the figures, see 'sscvae list protocols'")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--stride", options->stride,
                 "of the windows of protocols authors and paper, in pixels (default: 256, side by side)")
      ->type_name("N");
  add_reading_options(app, options->reading);
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  app.callback([options] {
    tasks::carry_out(options->output.json, options->output.overwrite, [options] { return tasks::compare(*options); });
  });
}

}  // namespace sscvae::cli
