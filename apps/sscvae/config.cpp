#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "sscvae/command.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/text.h"
#include "sscvae/experiments/experiment.h"
#include "sscvae/tasks/catalogue.h"

namespace sscvae::cli {

namespace {

struct ConfigOptions {
  std::string config, json, out;
  std::vector<std::string> set;
  bool explain = false, overwrite = false;
};

tasks::Report run_config(const ConfigOptions& options) {
  const experiments::Experiment experiment = experiments::resolve_experiment(options.config, options.set);
  experiments::ExperimentOptions copy = experiment.options;
  const std::string toml = options.explain ? experiment.explained_toml() : experiment.toml();
  const tasks::Report report = tasks::make_report(toml, tasks::Json::parse(to_json(fields_of(copy))));
  if (options.out.empty()) return report;
  write_atomically(options.out, toml);
  return {options.out, report.json};
}

struct ListOptions {
  std::string what;
  OutputOptions output;
};

}  // namespace

void add_config(CLI::App& app) {
  const auto options = std::make_shared<ConfigOptions>();
  app.add_option("--config", options->config, "a TOML file, the name of a preset, or one of the authors' JSON files")
      ->type_name("FILE|NAME");
  app.add_option("--set", options->set, "key=value on top; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--explain", options->explain,
               "only the options that count for this model, with meaning, range and origin");
  app.add_option("--out", options->out, "write the TOML to this file")->type_name("FILE");
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return run_config(*options); },
                     {{"--out", options->out}});
  });
}

void add_list(CLI::App& app) {
  const auto options = std::make_shared<ListOptions>();
  app.add_option("what", options->what, join(tasks::catalogue_names(), ", "))->type_name("WHAT")->required();
  add_json_option(app, options->output.json);
  add_overwrite_option(app, options->output.overwrite);
  app.callback([options] {
    tasks::carry_out(options->output.json, options->output.overwrite,
                     [options] { return tasks::list_catalogue(options->what); });
  });
}

}  // namespace sscvae::cli
