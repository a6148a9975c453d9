#include "sscvae/tables/tables.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/tables/figures.h"
#include "sscvae/tables/pages.h"
#include "sscvae/tables/runner.h"

namespace sscvae::tables {

namespace {

tasks::Json row_json(const ResultRow& row) {
  tasks::Json object{{"table", row.published.table}, {"dataset", row.published.dataset},
                     {"model", row.published.model}, {"sigma_8bit", row.published.sigma_8bit},
                     {"images", row.images},         {"steps", row.steps},
                     {"seconds", row.seconds},       {"weights_sha256", row.weights_sha256}};
  if (!row.failure.empty()) object["failure"] = row.failure;
  for (const Cell& cell : row.cells) {
    const bool known = !std::isnan(cell.low) && !std::isnan(cell.high);
    tasks::Json interval;
    if (known) interval = {tasks::json_number(cell.low), tasks::json_number(cell.high)};
    object["metrics"][cell.metric] = {{"ours", tasks::json_number(cell.ours)},
                                      {"interval95", interval},
                                      {"paper", tasks::json_number(cell.paper)},
                                      {"difference", tasks::json_number(cell.ours - cell.paper)}};
  }
  return object;
}

void note_missing_datasets(const TablesOptions& options) {
  const std::vector<std::string> missing = missing_datasets(options);
  if (!missing.empty() && !wanted_rows(options).empty())  // else there is nothing to leave them out of
    note("datasets left out, no folder given: " + join(missing, ", "));
}

/// Refuses a folder with files that tables would replace, unless it is one that it made: plan.json says so.
void check_folder(const TablesOptions& options) {
  const std::filesystem::path out(options.out);
  OutputFolder folder("--out", out, options.overwrite);
  refuse_links("--out", out, {"figures", "runs", "speed"});
  std::error_code ignored;
  if (options.overwrite || std::filesystem::exists(out / "plan.json", ignored)) return;
  for (const char* name : {"tables.md", "tables.csv", "tables.tex", "index.html"}) folder.add(name);
  for (const char* name : {"figures", "runs", "speed"}) {
    const std::filesystem::path path = out / name;
    if (std::filesystem::exists(path, ignored) && !std::filesystem::is_empty(path, ignored))
      throw UsageError("'" + path.string() + "' is there already, and '" + out.string() +
                       "' is no folder that tables made: choose another one, or --overwrite replaces files in it");
  }
}

}  // namespace

double parse_duration(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double scale = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || scale == 0 || !(value > 0) || !std::isfinite(value * scale))
    throw UsageError("--budget: expected a time such as 90s, 30m or 2h, got '" + text + "'");
  return value * scale;
}

tasks::Report make_tables(const TablesOptions& options) {
  metrics::find_protocol(options.protocol);
  if (std::error_code error; !options.inception.empty() && !std::filesystem::is_regular_file(options.inception, error))
    throw IoError("--inception: no file '" + options.inception + "'");
  note_missing_datasets(options);
  check_folder(options);
  const std::vector<RunSpec> runs = plan_runs(options);
  const std::vector<RunOutcome> outcomes = run_all(options, runs);
  Pages pages{options, collect(options, runs, outcomes), {}, {}};
  if (is_wanted(options, "T4")) pages.costs = measure_costs();
  pages.figures = draw_figures(options, outcomes);
  write_pages(pages);

  tasks::Json json{{"out", options.out},
                   {"conditions", conditions(pages)},
                   {"missing_datasets", missing_datasets(options)},
                   {"rows", tasks::Json::array()}};
  for (const ResultRow& row : pages.rows) json["rows"].push_back(row_json(row));
  json["ordering"] = ordering_remarks(pages.rows);
  std::string text = markdown(pages) + "\n" + (std::filesystem::path(options.out) / "index.html").string();
  tasks::Report report = tasks::make_report(std::move(text), std::move(json));
  size_t failed = 0;
  std::string first;
  for (const RunOutcome& outcome : outcomes)
    if (!outcome.failure.empty() && failed++ == 0) first = outcome.spec->name + ": " + outcome.failure;
  if (failed > 0)
    report.failure =
        Error(ExitCode::kData, share_text(failed, outcomes.size(), "run") + " failed, the first: " + first);
  return report;
}

}  // namespace sscvae::tables
