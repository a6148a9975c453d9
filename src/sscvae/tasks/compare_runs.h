#pragma once

#include <string>

#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

/// Two runs measured on the same images: for every figure in both tables (CSV of `evaluate --per-image`) the mean of
/// b - a over the images in both, with its 95 % bootstrap interval, and which of the two is better: none where the
/// interval holds 0. Far sharper than two separate intervals, because what makes an image hard is common to both.
/// JSON: "count", "only_a", "only_b" (images without a partner), "difference", "interval95", "left_out" (not measured
/// in one of the two), "better" ("a", "b" or "undecided") by figure, and both means. Errors: IoError; FormatError for a
/// table without column "image", with an image twice or a cell that is no number; UsageError where no image or no
/// figure is common.
Report compare_runs(const std::string& a, const std::string& b);

}  // namespace sscvae::tasks
