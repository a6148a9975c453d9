#pragma once

#include "sscvae/image/image.h"
#include "sscvae/train/validation_set.h"

namespace sscvae::train {

/// One row for each image: input | reconstruction | residual (reconstruction - target; grey: blue too dark, red too
/// bright, full colour at +-0.2).
image::Image preview_sheet(const std::vector<ValidationImage>& images, const std::vector<at::Tensor>& reconstructions);

/// Is a preview due at this step? About sixteen times in a run, and at its end; `previous` is the last validated step.
bool preview_due(int64_t previous, int64_t step, int64_t total_steps);

}  // namespace sscvae::train
