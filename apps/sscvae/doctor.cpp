#include "sscvae/tasks/doctor.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct DoctorArguments {
  runtime::ComputeOptions compute;
  OutputOptions output;
};

}  // namespace

void add_doctor(CLI::App& app) {
  const auto options = std::make_shared<DoctorArguments>();
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  add_compute_options(app, options->compute);
  app.callback([options] {
    tasks::carry_out(options->output.json, options->output.overwrite,
                     [options] { return tasks::doctor(options->compute, this_program().libraries()); });
  });
}

}  // namespace sscvae::cli
