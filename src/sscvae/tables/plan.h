#pragma once

#include <string>
#include <vector>

#include "sscvae/experiments/experiment.h"
#include "sscvae/tables/published.h"
#include "sscvae/tables/tables.h"

/// Which runs the tables need.
namespace sscvae::tables {

struct RunSpec {
  std::string name;  ///< "ultrasound-denoise10-vq-vae"
  std::string dataset, model;
  double sigma_8bit = 0;               ///< 0: reconstruction
  experiments::Experiment experiment;  ///< all but the number of steps where a budget decides it
  int64_t test_images = 0;
  std::string key;  ///< <name>-<first 10 digits of the hash of configuration and budget>
};

/// Is this table or figure ("T1", "F4") asked for?
bool is_wanted(const TablesOptions& options, const std::string& what);

/// Rows of T1 to T3 that are asked for and whose dataset has a root, in the paper's order.
std::vector<PublishedRow> wanted_rows(const TablesOptions& options);

/// The datasets of such rows without a root, which are left out: "bsds500 (--bsds500 FOLDER)".
std::vector<std::string> missing_datasets(const TablesOptions& options);

/// The runs of those rows, each once; a run that several tables share is one. The configurations are resolved and the
/// data listed, so that every mistake shows before anything is trained.
/// Errors: UsageError, IoError, FormatError.
std::vector<RunSpec> plan_runs(const TablesOptions& options);

/// The run behind a row, or null if it was not planned.
const RunSpec* run_of(const std::vector<RunSpec>& runs, const PublishedRow& row);

}  // namespace sscvae::tables
