#include "sscvae/tasks/demo.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct DemoArguments : tasks::DemoOptions {
  std::string json;
};

}  // namespace

void add_demo(CLI::App& app) {
  const auto options = std::make_shared<DemoArguments>();
  options->compute.backend = this_program().backend;
  app.add_option("--out", options->out, "folder of images, runs and the report")->type_name("DIR")->required();
  add_number_option(app, "--minutes", "M", options->minutes, "time of training in all");
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.add_option("--threads", options->compute.threads, "processor threads; 0: as many as there are")->type_name("N");
  app.add_option("--device", options->compute.device, "auto, cpu, cuda or cuda:<index>")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return this_program().demo(*options); });
  });
}

}  // namespace sscvae::cli
