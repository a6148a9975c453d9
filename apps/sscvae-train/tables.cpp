#include "sscvae/tables/tables.h"

#include <CLI/CLI.hpp>

#include "sscvae-train/training.h"
#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct TablesArguments : tables::TablesOptions {
  std::string json;
};

void add_length(CLI::App& app, TablesArguments& options) {
  app.add_option("--budget", options.budget, "time of all runs together: 90s, 30m, 2h; every run gets the same steps")
      ->type_name("TIME");
  app.add_option("--steps", options.steps, "optimizer steps of every run, instead of a budget")->type_name("N");
  app.add_option("--epochs", options.epochs, "epochs of every run, instead of a budget")->type_name("N");
  app.add_option("--scale", options.scale,
                 "lite: profile sound, the small network; paper: profile reference, as published")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--test-images", options.test_images,
                 "measure only this many test images, evenly spaced over the list")
      ->type_name("N");
  app.add_option("--jobs", options.jobs, "runs at once (default: one for each core, at most 4; 1 at paper scale)")
      ->type_name("N");
}

void add_datasets(CLI::App& app, TablesArguments& options) {
  app.add_option("--ultrasound", options.ultrasound, "root of the ultrasound images")->type_name("FOLDER");
  app.add_option("--bsds500", options.bsds500, "root of BSDS500")->type_name("FOLDER");
  app.add_option("--mini-imagenet", options.mini_imagenet, "root of mini-ImageNet")->type_name("FOLDER");
}

}  // namespace

void add_tables(CLI::App& app) {
  const auto options = std::make_shared<TablesArguments>();
  options->compute.backend = this_program().backend;
  app.add_option("--out", options->out, "folder of the runs, tables and figures; called again, it goes on there")
      ->type_name("DIR")
      ->required();
  app.add_option("--only", options->only,
                 "some of T1,T2,T3,T4,S1,F1,F2,F3,F4,F5 (default: all but S1, denoising of photographs, which takes 15 "
                 "runs for "
                 "each dataset)")
      ->type_name("T1,F3")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--models", options->models, "some of the models, see 'sscvae list models'")
      ->type_name("M1,M2")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_datasets(app, *options);
  add_length(app, *options);
  app.add_option("--set", options->set, "key=value on top of every run's configuration; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--protocol", options->protocol, "rule of the figures, see 'sscvae list protocols'")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--inception", options->inception, "weights of the FID network; without them FID is left out")
      ->type_name("FILE");
  app.add_option("--seed", options->seed, "of every run")->type_name("N")->capture_default_str();
  app.add_option("--threads", options->compute.threads, "processor threads of each run; 0: cores divided by jobs")
      ->type_name("N");
  app.add_option("--device", options->compute.device, "auto, cpu, cuda; several (cuda:0,cuda:1) are used in turn")
      ->type_name("DEVICE")
      ->capture_default_str();
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return tables::make_tables(*options); });
  });
}

}  // namespace sscvae::cli
