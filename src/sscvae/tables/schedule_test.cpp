#include "sscvae/tables/schedule.h"

#include <gtest/gtest.h>

namespace sscvae::tables {
namespace {

TEST(Schedule, FillsTheTimeThatThereIs) {
  // 600 s on one lane: 20 s of other work, 1/2 + 1/4 s a step.
  EXPECT_EQ(fitting_steps({{2, 10}, {4, 10}}, 600, 1), 770);  // 580 / 0.75 = 773
  EXPECT_EQ(fitting_steps({{2, 10}, {4, 10}}, 600, 2), 1570);
}

TEST(Schedule, NeverAsksForNothing) {
  EXPECT_EQ(fitting_steps({{2, 10}}, 5, 1), kFewestSteps);
  EXPECT_EQ(fitting_steps({}, 500, 1), kFewestSteps);
  EXPECT_EQ(fitting_steps({{2, 10}}, -5, 1), kFewestSteps);
}

TEST(Schedule, EqualNumbersAreKeptWhileTheyFit) {
  EXPECT_EQ(corrected_steps(1000, 1039), 1000);
  EXPECT_EQ(corrected_steps(1000, 961), 1000);
  EXPECT_EQ(corrected_steps(1000, 955), 955);
  EXPECT_EQ(corrected_steps(1000, 1100), 1100);
}

}  // namespace
}  // namespace sscvae::tables
