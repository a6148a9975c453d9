#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sscvae/tables/plan.h"

/// Running what the plan holds, each run in a process of its own.
namespace sscvae::tables {

/// What became of a run.
struct RunOutcome {
  const RunSpec* spec = nullptr;
  std::string failure;                        ///< why there are no figures; "" if there are
  int64_t steps = 0;                          ///< trained
  double seconds = 0;                         ///< of training
  bool reused = false;                        ///< was finished before this call
  std::filesystem::path weights, evaluation;  ///< best.safetensors, evaluation.json
};

/// Files of a run below out/runs/<key>/: run/ (the training), evaluation.json, images.csv, *.log.
struct RunFiles {
  std::filesystem::path folder;
  std::filesystem::path training() const { return folder / "run"; }
  std::filesystem::path config() const { return folder / "config.toml"; }
  std::filesystem::path result() const { return folder / "train.json"; }
  std::filesystem::path evaluation() const { return folder / "evaluation.json"; }
  std::filesystem::path images() const { return folder / "images.csv"; }
  std::filesystem::path log(const std::string& phase) const { return folder / (phase + ".log"); }
};
RunFiles files_of(const TablesOptions& options, const RunSpec& spec);

/// Trains and evaluates every run that is not finished, several at once, in order. With a budget, first measures the
/// speed of each model, then gives all runs the number of steps that fits (schedule.h); the number of a run under way
/// and the time used so far are kept in out/plan.json. Errors: IoError (unwritable folder); Interrupted.
std::vector<RunOutcome> run_all(const TablesOptions& options, const std::vector<RunSpec>& runs);

}  // namespace sscvae::tables
