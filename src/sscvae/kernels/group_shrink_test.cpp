#include "sscvae/kernels/group_shrink.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sscvae::kernels {
namespace {

constexpr int64_t kGroupAtoms = 37, kGroupPositions = 5, kNumbers = kGroupAtoms * kGroupPositions;

std::vector<float> wave(int64_t count, double pitch, double scale, double middle = 0) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(middle + scale * std::sin(pitch * static_cast<double>(i + 1))));
  return values;
}

struct GroupProblem {
  std::vector<float> step = wave(kNumbers, 0.7, 1), pooled = wave(kNumbers, 1.3, 0.2, 0.21);
  std::vector<float> own = wave(kGroupAtoms, 0.4, 0.3, 0.7), floor = wave(kGroupAtoms, 2.1, 0.05, 0.05),
                     slope = wave(kGroupAtoms, 1.7, 0.1, 0.1);
  GroupShrink numbers() const {
    return {step.data(), pooled.data(), own.data(), floor.data(), slope.data(), 3.0f, kGroupAtoms};
  }
};

TEST(GroupShrink, FollowsItsFormulaByEveryInstructionSet) {
  const GroupProblem problem;
  std::vector<float> code(kNumbers);
  group_shrink(problem.numbers(), code.data(), kGroupPositions, Isa::kPortable);
  for (const Isa isa : available_isas()) {
    std::vector<float> same(kNumbers);
    group_shrink(problem.numbers(), same.data(), kGroupPositions, isa);
    EXPECT_EQ(same, code) << static_cast<int>(isa);
  }
  int zeros = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    const size_t k = i % kGroupAtoms;
    const double u = problem.step[i], theta = problem.floor[k] + 3.0 * problem.slope[k];
    const double kept = 1 - theta / std::sqrt(problem.own[k] * u * u + problem.pooled[i]);
    EXPECT_NEAR(code[i], kept > 0 ? u * kept : 0, 1e-6) << i;
    zeros += code[i] == 0;
  }
  EXPECT_GT(zeros, 10);
  EXPECT_LT(zeros, 150);
}

/// The same sum of gradients as by differences of a weighted sum of codes.
TEST(GroupShrink, GradientsMatchDifferences) {
  const std::vector<float> weights = wave(kNumbers, 0.9, 1);
  const auto objective = [&](const GroupProblem& problem) {
    std::vector<float> code(kNumbers);
    group_shrink(problem.numbers(), code.data(), kGroupPositions);
    double sum = 0;
    for (size_t i = 0; i < code.size(); ++i) sum += static_cast<double>(code[i]) * weights[i];
    return sum;
  };
  GroupProblem problem;
  std::vector<float> towards_step(kNumbers), towards_pooled(kNumbers), own(kGroupAtoms, 0), threshold(kGroupAtoms, 0);
  const GroupShrinkGradient written{weights.data(), towards_step.data(), towards_pooled.data(), own.data(),
                                    threshold.data()};
  group_shrink_gradient(problem.numbers(), written, kGroupPositions, Isa::kPortable);
  const auto difference = [&](float& number) {
    constexpr float kNudge = 2e-3f;
    const float before = number;
    number = before + kNudge;
    const double above = objective(problem);
    number = before - kNudge;
    const double below = objective(problem);
    number = before;
    return (above - below) / (2.0 * kNudge);
  };
  int off = 0;  // next to a threshold a difference is none
  for (size_t i = 0; i < towards_step.size(); ++i) {
    off += std::fabs(difference(problem.step[i]) - towards_step[i]) > 5e-3;
    off += std::fabs(difference(problem.pooled[i]) - towards_pooled[i]) > 5e-3;
  }
  EXPECT_LE(off, 8);
  for (size_t k = 0; k < own.size(); k += 4) {
    EXPECT_NEAR(difference(problem.own[k]), own[k], 1e-2) << k;
    EXPECT_NEAR(difference(problem.floor[k]), threshold[k], 2e-2) << k;
  }
  for (const Isa isa : available_isas()) {
    std::vector<float> step(kNumbers), pooled(kNumbers), owns(kGroupAtoms, 0), thresholds(kGroupAtoms, 0);
    group_shrink_gradient(problem.numbers(),
                          {weights.data(), step.data(), pooled.data(), owns.data(), thresholds.data()}, kGroupPositions,
                          isa);
    EXPECT_EQ(step, towards_step) << static_cast<int>(isa);
    EXPECT_EQ(pooled, towards_pooled);
    EXPECT_EQ(owns, own);
    EXPECT_EQ(thresholds, threshold);
  }
}

}  // namespace
}  // namespace sscvae::kernels
