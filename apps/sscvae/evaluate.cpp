#include "sscvae/tasks/evaluate.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"
#include "sscvae/core/error.h"

namespace sscvae::cli {

namespace {

struct EvaluateArguments : tasks::EvaluateOptions {
  std::string json;
  bool skip_existing = false;
};

/// Errors: UsageError where there is no file to go on with.
void check_report(const EvaluateArguments& options) {
  if (options.skip_existing && (options.json.empty() || options.json == "-"))
    throw UsageError("--skip-existing goes on with the figures in the file of --json: name it");
}

void add_noise(CLI::App& app, EvaluateArguments& options) {
  app.add_option("--task", options.task, "reconstruct, denoise or enhance (default: as trained)")->type_name("TASK");
  add_level_option(
      app, "--sigma-8bit", options.sigma_8bit, 255,
      "level of the noise that is added to the images, in grey levels (default: as configured; weights for a "
      "range of levels need one). Blind models are not told it");
  app.add_option("--noise", options.noise, "its kind: gaussian or speckle (default: as configured; mixed: gaussian)")
      ->type_name("KIND");
  app.add_flag("--clip", options.clip,
               "cut noisy images to [0,1], as image files hold them, whatever the protocol says");
}

void add_figures(CLI::App& app, EvaluateArguments& options) {
  app.add_option("--protocol", options.protocol, "rule of the figures, see 'sscvae list protocols'")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--stride", options.stride,
                 "of the 256x256 windows of protocols authors and paper, in pixels (default: as the paper's tests on "
                 "that dataset: bsds500 32, mini-imagenet 128, others 256)")
      ->type_name("N");
  app.add_option("--mode", options.mode, "eval, or train: normalise by batch statistics as the authors do")
      ->type_name("MODE")
      ->capture_default_str();
  app.add_option("--crop", options.crop, "centre squares of this side instead of whole images")->type_name("N");
  app.add_option("--per-image", options.per_image, "write a CSV with a row for each image")->type_name("CSV");
  app.add_option("--inception", options.features.inception,
                 "weights of the FID's Inception network: FID and KID between originals and reconstructions, too")
      ->type_name("FILE");
  app.add_option("--feature-cache", options.features.cache, "keep features of the originals in this folder")
      ->type_name("FOLDER");
}

}  // namespace

void add_evaluate(CLI::App& app) {
  const auto options = std::make_shared<EvaluateArguments>();
  app.add_option("--weights", options->source.weights, "weights file, or the name of shipped weights")
      ->type_name("W")
      ->required();
  app.add_option("--model-config", options->source.config, "configuration of weights without one (authors' JSON)")
      ->type_name("FILE");
  add_image_selection_options(app, options->images, "test");
  add_noise(app, *options);
  add_figures(app, *options);
  add_reading_options(app, options->reading);
  add_tile_option(app, options->inference.tile);
  add_engine_option(app, options->inference.engine);
  add_ensemble_option(app, options->inference.ensemble);
  add_strength_option(app, options->inference.threshold_scale);
  add_number_option(app, "--code-step", "STEP", options->inference.code_step,
                    "round sparse codes to multiples of this and report their entropy in bits per pixel; 0: do not");
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.add_flag("--skip-existing", options->skip_existing,
               "go on with an interrupted call: take figures from the file of --json where images and settings are the "
               "same");
  add_compute_options(app, options->inference.compute);
  app.callback([options] {
    check_report(*options);
    if (options->skip_existing) options->earlier = options->json;
    tasks::carry_out(options->json, options->overwrite || goes_on_with(options->json, options->skip_existing),
                     [options] { return tasks::evaluate(*options); }, {{"--per-image", options->per_image}});
  });
}

}  // namespace sscvae::cli
