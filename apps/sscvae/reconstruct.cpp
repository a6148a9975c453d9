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
    tasks::check_writable(options->json, options->overwrite);
    tasks::deliver(tasks::reconstruct(*options), options->json, options->overwrite);
  });
}

}  // namespace sscvae::cli
