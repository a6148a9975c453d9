#pragma once

#include <vector>

#include "sscvae/tables/pages.h"
#include "sscvae/tables/runner.h"

/// Figures 1, 3, 4 and 5 of the paper, from the trained runs, and Figure 2, the network.
namespace sscvae::tables {

/// The figures that are asked for, each on the middle image of the test list (cropped as the protocol says):
///   F1  the image, its features, its thresholds before and after refinement (ssc-vae);
///   F2  the network of ssc-vae under profile reference, which needs no run;
///   F3  reconstructions by every model, a detail of each, and the errors, for every dataset;
///   F4  the same of noisy ultrasound images, a block for each noise level;
///   F5  the ablation on BSDS500.
/// Runs without results are left out, and figures without runs. Errors: Interrupted.
std::vector<DrawnFigure> draw_figures(const TablesOptions& options, const std::vector<RunOutcome>& outcomes);

}  // namespace sscvae::tables
