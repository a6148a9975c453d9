#include "sscvae/tables/plan.h"

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/networks/table.h"

namespace sscvae::tables {

namespace {

const std::vector<std::string>& known_parts() {
  static const std::vector<std::string> names{"T1", "T2", "T3", "T4", "S1", "F1", "F2", "F3", "F4", "F5"};
  return names;
}

/// Of the networks themselves, which need no runs.
bool shows_networks(const std::string& part) { return part == "T4" || part == "F2"; }

/// Figures show what the runs of a table made.
const char* table_behind(const std::string& figure) {
  if (shows_networks(figure)) return "";
  if (figure == "F1" || figure == "F3") return "T1";
  return figure == "F4" ? "T2" : "T3";
}

bool needs_runs_of(const TablesOptions& options, const std::string& table) {
  if (is_wanted(options, table)) return true;
  for (const std::string& name : known_parts())
    if (name[0] == 'F' && is_wanted(options, name) && table_behind(name) == table) return true;
  return false;
}

bool is_asked_for(const TablesOptions& options, const PublishedRow& row) {
  const bool model = options.models.empty() ||
                     std::find(options.models.begin(), options.models.end(), row.model) != options.models.end();
  return model && needs_runs_of(options, row.table);
}

const std::string& root_of(const TablesOptions& options, const std::string& dataset) {
  return dataset == "ultrasound" ? options.ultrasound : dataset == "bsds500" ? options.bsds500 : options.mini_imagenet;
}

/// What the published runs had (section 4.4 of the paper and the released configurations).
std::vector<std::string> paper_settings(const std::string& dataset, bool denoise) {
  std::vector<std::string> set{"profile=\"reference\"", "data.patch_size=256", "train.batch_size=16"};
  int64_t epochs = dataset == "ultrasound" ? 400 : 200;
  if (denoise && dataset == "bsds500") epochs = 150;
  if (denoise && dataset == "mini-imagenet") epochs = 75;
  set.push_back("train.epochs=" + std::to_string(epochs));
  if (dataset == "ultrasound") set.push_back("data.sampling=\"whole-images\"");
  if (dataset == "bsds500") set.insert(set.end(), {"data.sampling=\"grid\"", "data.stride=32"});
  if (dataset == "mini-imagenet") set.insert(set.end(), {"data.min_size=257"});
  return set;
}

std::vector<std::string> settings_of(const TablesOptions& options, const RunSpec& run) {
  std::vector<std::string> set;
  if (options.scale == "paper") set = paper_settings(run.dataset, run.sigma_8bit > 0);
  set.push_back("model.name=\"" + run.model + "\"");
  set.push_back("model.in_channels=" + std::string(run.dataset == "mini-imagenet" ? "3" : "1"));
  set.push_back("data.dataset=\"" + run.dataset + "\"");
  set.push_back("data.root=" + to_toml(OptionValue(root_of(options, run.dataset))));
  set.push_back("train.seed=" + std::to_string(options.seed));
  set.push_back("train.preview_images=0");
  if (options.scale == "lite") set.push_back("train.validation_images=8");
  if (run.sigma_8bit > 0) {
    set.push_back("task=\"denoise\"");
    set.push_back("data.noise.sigma_8bit=" + to_text(run.sigma_8bit));
  }
  if (options.epochs > 0) set.push_back("train.epochs=" + std::to_string(options.epochs));
  if (options.steps > 0) set.push_back("train.steps=" + std::to_string(options.steps));
  set.insert(set.end(), options.set.begin(), options.set.end());
  return set;
}

std::string name_of(const PublishedRow& row) {
  const std::string task = row.sigma_8bit > 0 ? "denoise" + to_text(row.sigma_8bit) : "reconstruct";
  return row.dataset + "-" + task + "-" + row.model;
}

RunSpec make_run(const TablesOptions& options, const PublishedRow& row) {
  RunSpec run;
  run.name = name_of(row);
  run.dataset = row.dataset;
  run.model = row.model;
  run.sigma_8bit = row.sigma_8bit;
  run.experiment = experiments::resolve_experiment("", experiments::assignments_with_effect(settings_of(options, run)));
  const data::DataOptions& data = run.experiment.options.data;
  const data::SplitManifest manifest = data::make_manifest(data);
  data::require_part(manifest, "train", data);
  run.test_images = static_cast<int64_t>(data::require_part(manifest, "test", data).size());
  if (options.test_images > 0) run.test_images = std::min(run.test_images, options.test_images);
  const std::string identity = run.experiment.toml() + "budget " + options.budget + "\nsplit " + manifest.hash();
  run.key = run.name + "-" + sha256_hex(identity).substr(0, 10);
  return run;
}

void check_names(const std::vector<std::string>& given, const std::vector<std::string>& known, const char* option) {
  for (const std::string& name : given)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError(std::string(option) + ": expected " + join(known, ", ") + ", got '" + name + "'" +
                       suggestion(name, known));
}

void check(const TablesOptions& options) {
  check_names(options.only, known_parts(), "--only");
  check_names(options.models, networks::model_names(), "--models");
  check_names({options.scale}, {"lite", "paper"}, "--scale");
  const int given = (options.budget.empty() ? 0 : 1) + (options.steps > 0) + (options.epochs > 0);
  if (given > 1) throw UsageError("--budget, --steps and --epochs: expected one of them");
  if (!options.budget.empty()) parse_duration(options.budget);
  for (const std::string& setting : options.set)
    if (setting.starts_with("model.name="))
      throw UsageError("--set model.name: the rows of a table say that; see --models");
  if (options.steps < 0 || options.epochs < 0 || options.jobs < 0 || options.test_images < 0)
    throw UsageError("--steps, --epochs, --jobs and --test-images: expected a number >= 0");
}

/// Each run takes the --set options that have an effect on its model; one without an effect on any run is a mistake.
void refuse_settings_without_effect(const TablesOptions& options, const std::vector<RunSpec>& runs) {
  std::vector<std::string> used;
  for (const RunSpec& run : runs)
    for (std::string& setting : experiments::assignments_with_effect(settings_of(options, run)))
      used.push_back(std::move(setting));
  for (const std::string& setting : options.set)
    if (!runs.empty() && std::find(used.begin(), used.end(), setting) == used.end())
      throw UsageError("--set " + setting + " has no effect on any model of these tables");
}

}  // namespace

bool is_wanted(const TablesOptions& options, const std::string& what) {
  if (what == "S1" && options.only.empty()) return false;  // the paper has no figures to stand beside
  return options.only.empty() || std::find(options.only.begin(), options.only.end(), what) != options.only.end();
}

std::vector<PublishedRow> wanted_rows(const TablesOptions& options) {
  std::vector<PublishedRow> rows;
  for (const PublishedRow& row : published_rows())
    if (is_asked_for(options, row) && !root_of(options, row.dataset).empty()) rows.push_back(row);
  return rows;
}

std::vector<std::string> missing_datasets(const TablesOptions& options) {
  std::vector<std::string> missing;
  for (const PublishedRow& row : published_rows()) {
    const std::string name = row.dataset + " (--" + row.dataset + " FOLDER)";
    if (is_asked_for(options, row) && root_of(options, row.dataset).empty() &&
        std::find(missing.begin(), missing.end(), name) == missing.end())
      missing.push_back(name);
  }
  return missing;
}

std::vector<RunSpec> plan_runs(const TablesOptions& options) {
  check(options);
  std::vector<RunSpec> runs;
  for (const PublishedRow& row : wanted_rows(options))
    if (!run_of(runs, row)) runs.push_back(make_run(options, row));
  refuse_settings_without_effect(options, runs);
  const bool without_runs = !options.only.empty() && std::all_of(options.only.begin(), options.only.end(),
                                                                 [](const auto& name) { return shows_networks(name); });
  if (without_runs && !options.set.empty())
    throw UsageError("--set: Table 4 and Figure 2 are about published networks and have no runs");
  if (!runs.empty() || without_runs) return runs;
  if (missing_datasets(options).empty())
    throw UsageError("there is nothing to run: --models: the tables asked for have no row of " +
                     join(options.models, ", "));
  throw UsageError("there is nothing to run: give the folder of a dataset that the tables asked for use: " +
                   join(missing_datasets(options), ", "));
}

const RunSpec* run_of(const std::vector<RunSpec>& runs, const PublishedRow& row) {
  const std::string name = name_of(row);
  for (const RunSpec& run : runs)
    if (run.name == name) return &run;
  return nullptr;
}

}  // namespace sscvae::tables
