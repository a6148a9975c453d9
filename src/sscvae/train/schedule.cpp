#include "sscvae/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sscvae::train {

int64_t warmup_steps(const TrainOptions& options, int64_t total_steps) {
  return std::llround(options.warmup * static_cast<double>(total_steps));
}

double learning_rate_at(const TrainOptions& options, int64_t step, int64_t total_steps) {
  const int64_t warmup = warmup_steps(options, total_steps);
  const double base = options.learning_rate;
  if (step < warmup) return base * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (options.schedule == Schedule::kConstant) return base;
  const double progress =
      static_cast<double>(step - warmup) / static_cast<double>(std::max<int64_t>(1, total_steps - warmup));
  const double share = options.final_learning_rate;
  return base * (share + (1 - share) * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace sscvae::train
