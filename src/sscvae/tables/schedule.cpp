#include "sscvae/tables/schedule.h"

#include <algorithm>
#include <cmath>

namespace sscvae::tables {

namespace {
constexpr int64_t kGrain = 5;
constexpr double kTolerance = 0.04;
}  // namespace

int64_t fitting_steps(const std::vector<Remaining>& runs, double seconds, int64_t lanes) {
  double available = seconds * static_cast<double>(lanes), seconds_per_step = 0;
  for (const Remaining& run : runs) {
    available -= run.other_seconds;
    seconds_per_step += 1 / run.steps_per_second;
  }
  if (runs.empty() || available <= 0) return kFewestSteps;
  const auto steps = static_cast<int64_t>(std::floor(available / seconds_per_step));
  return std::max(kFewestSteps, steps / kGrain * kGrain);
}

int64_t corrected_steps(int64_t planned, int64_t fitting) {
  const double difference = std::abs(static_cast<double>(fitting - planned));
  return difference <= kTolerance * static_cast<double>(planned) ? planned : fitting;
}

}  // namespace sscvae::tables
