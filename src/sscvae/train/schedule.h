#pragma once

#include <cstdint>
#include "sscvae/train/options.h"

namespace sscvae::train {

/// The learning rate of optimizer step `step` (0 ... total_steps - 1), a pure function. With w = round(warmup
/// total_steps):
///   step < w:   learning_rate (step + 1) / w
///   constant:   learning_rate
///   cosine:     learning_rate (f + (1 - f) (1 + cos(pi (step - w) / max(1, total_steps - w))) / 2),  f =
///   final_learning_rate
double learning_rate_at(const TrainOptions& options, int64_t step, int64_t total_steps);

/// w above.
int64_t warmup_steps(const TrainOptions& options, int64_t total_steps);

}  // namespace sscvae::train
