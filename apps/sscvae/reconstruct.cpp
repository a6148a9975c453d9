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
    const bool goes_on = goes_on_with(options->json, options->skip_existing);
    if (goes_on) options->earlier = options->json;
    tasks::carry_out(
        options->json, options->overwrite || goes_on, [options] { return tasks::reconstruct(*options); },
        piped_output(options->out));
  });
}

}  // namespace sscvae::cli
