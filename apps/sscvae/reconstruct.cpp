#include "sscvae/restore_options.h"

namespace sscvae::cli {

namespace {

struct ReconstructArguments : tasks::RestoreOptions {
  std::string json;
};

}  // namespace

void add_reconstruct(CLI::App& app) {
  const auto options = std::make_shared<ReconstructArguments>();
  add_restore_options(app, *options, options->json);
  app.callback([options] {
    tasks::carry_out(
        options->json, options->overwrite, [options] { return tasks::reconstruct(*options); },
        piped_output(options->out));
  });
}

}  // namespace sscvae::cli
