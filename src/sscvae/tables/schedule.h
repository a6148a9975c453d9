#pragma once

#include <cstdint>
#include <vector>

/// How many steps each run gets so that all of them together take the time that there is. All runs get the same number,
/// so that the models of a table are comparable; the number is corrected where the machine proves faster or slower.
namespace sscvae::tables {

/// What is known of a run that has not begun.
struct Remaining {
  double steps_per_second = 1;
  double other_seconds = 0;  ///< start, validation, evaluation
};

/// The number of steps with which `runs`, spread over `lanes`, fill `seconds` (of the wall clock):
///   (seconds * lanes - sum of other_seconds) / sum of 1 / steps_per_second,
/// at least kFewestSteps, rounded down to a multiple of 5.
int64_t fitting_steps(const std::vector<Remaining>& runs, double seconds, int64_t lanes);
inline constexpr int64_t kFewestSteps = 20;

/// `planned` as long as `fitting` is within 4 % of it (equal numbers are worth more), else `fitting`.
int64_t corrected_steps(int64_t planned, int64_t fitting);

}  // namespace sscvae::tables
