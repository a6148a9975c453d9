#include "sscvae/restore_options.h"

namespace sscvae::cli {

namespace {

struct DenoiseArguments : tasks::DenoiseOptions {
  std::string json;
};

}  // namespace

void add_denoise(CLI::App& app) {
  const auto options = std::make_shared<DenoiseArguments>();
  add_restore_options(app, *options, options->json);
  app.add_option("--sigma-8bit", options->sigma_8bit, "noise level in grey levels of 0 to 255, or auto: estimated")
      ->type_name("S|auto")
      ->capture_default_str();
  add_level_option(app, "--add-noise", options->add_noise_8bit, 255,
                   "experiments: first add seeded noise of this level");
  app.add_option("--noise", options->noise, "its kind: gaussian, or speckle of log-compressed ultrasound")
      ->type_name("KIND")
      ->capture_default_str();
  app.add_option("--seed", options->seed, "of that noise, for every image anew")->type_name("N")->capture_default_str();
  app.add_flag("--clip", options->clip, "clip the image with added noise to [0,1]");
  add_ensemble_option(app, options->inference.ensemble);
  app.add_option("--reference", options->reference, "clean images of the same names: report PSNR and SSIM against them")
      ->type_name("PATH");
  app.callback([options] {
    const bool goes_on = goes_on_with(options->json, options->skip_existing);
    if (goes_on) options->earlier = options->json;
    tasks::carry_out(
        options->json, options->overwrite || goes_on, [options] { return tasks::denoise(*options); },
        piped_output(options->out));
  });
}

}  // namespace sscvae::cli
