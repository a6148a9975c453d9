#pragma once

#include <map>
#include <string>
#include <vector>

#include "sscvae/tables/runner.h"

/// The figures behind the cells.
namespace sscvae::tables {

/// One figure of one row: ours beside the paper's.
struct Cell {
  std::string metric;      ///< "ssim", "psnr", "lpips", "fid"
  double ours, low, high;  ///< mean and its 95 % interval (none for fid); NaN where there is none
  double paper;            ///< NaN where the paper has none
  std::string note;        ///< why ours is missing; "" where it is there
};

struct ResultRow {
  PublishedRow published;
  std::vector<Cell> cells;
  int64_t images = 0, steps = 0;
  int64_t windows = 0;        ///< that the model saw of those images
  double kl_bits = 0;         ///< of a Gaussian code, per position; else 0
  int64_t codebook_size = 0;  ///< of a discrete code, else 0
  double seconds = 0;
  std::string weights_sha256, failure;
};

/// The metrics of the paper's tables, in its order.
const std::vector<std::string>& table_metrics();

/// A row for each published one that was wanted. Errors: FormatError for damaged evaluations.
std::vector<ResultRow> collect(const TablesOptions& options, const std::vector<RunSpec>& runs,
                               const std::vector<RunOutcome>& outcomes);

const Cell& cell_of(const ResultRow& row, const std::string& metric);

/// What the paper claims of every block of a table and whether it holds here: VAE < VQ-VAE < SC-VAE < SSC-VAE in PSNR
/// (T1, T2), SC-VAE < SC-VAE+In < SSC-VAE (T3). One remark for each block with all its models; where the order does not
/// hold it says what the two runs differ in: steps trained, bits that their codes may carry.
std::vector<std::string> ordering_remarks(const std::vector<ResultRow>& rows);

}  // namespace sscvae::tables
