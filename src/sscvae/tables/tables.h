#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/report.h"

/// The paper's tables and figures from data on disk.
namespace sscvae::tables {

struct TablesOptions {
  std::string out;
  std::vector<std::string> only;                   ///< T1 T2 T3 T4 F1 F2 F3 F4 F5; empty: all
  std::vector<std::string> models;                 ///< registry names; empty: all of the tables
  std::string ultrasound, bsds500, mini_imagenet;  ///< roots; "": that dataset is left out
  std::string scale = "lite";  ///< lite: `sound`, the small network, 64-pixel crops; paper: `reference`, as published
  std::string budget;          ///< "90s", "30m", "2h": of all runs together; "": not given
  int64_t steps = 0, epochs = 0;  ///< of each run, instead of a budget
  std::vector<std::string> set;   ///< "key=value" on top of every run's configuration
  std::string protocol = "paper";
  std::string inception;  ///< weights of the FID network; "": no FID
  int64_t seed = 1;
  int64_t jobs = 0;         ///< runs at once; 0: the processor's cores, at most 4 (lite), else 1
  int64_t test_images = 0;  ///< of each dataset, spread over the list; 0: all
  runtime::ComputeOptions compute;
  bool overwrite = false;  ///< replace pages in a folder that tables did not make
};

/// Trains what is not there yet, evaluates, and writes tables.md, tables.csv, tables.tex, figures/*.png and index.html
/// to `out`; runs/<name>-<hash of the configuration>/ holds each run. Called again with the same options it goes on
/// where it was stopped or killed (plan.json tells its folder from others): finished runs are taken as they are, a run
/// under way is resumed. A run that fails
/// leaves its reason in its cells and does not end the others. Errors, before any run: UsageError, IoError, FormatError
/// (options, missing data, layouts, empty parts).
tasks::Report make_tables(const TablesOptions& options);

/// "90s", "30m", "1.5h" in seconds. Errors: UsageError.
double parse_duration(const std::string& text);

}  // namespace sscvae::tables
