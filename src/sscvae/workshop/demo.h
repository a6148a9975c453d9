#pragma once

#include "sscvae/tasks/demo.h"

namespace sscvae::workshop {

/// From nothing to results: makes images (speckle phantoms and dead leaves: out/images, with a split), runs the weights
/// that come with the program on those of part test (within seconds, with a first report), trains the preset `demo`
/// twice, to reconstruct (out/reconstruct, 58 % of the time) and to denoise (out/denoise), runs both
/// on test images that neither has seen (out/results) and writes out/report.html: inputs, reconstructions, residuals,
/// maps of the code and of the thresholds, dictionary atoms, curves and figures. The last line of the text is the
/// report's path. The number of steps is what this machine manages in that time, measured on a few steps before.
/// Errors: UsageError if `out` holds something and `overwrite` is false; IoError.
tasks::Report demo(const tasks::DemoOptions& options);

}  // namespace sscvae::workshop
