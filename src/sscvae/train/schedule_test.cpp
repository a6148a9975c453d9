#include "sscvae/train/schedule.h"

#include <gtest/gtest.h>

namespace sscvae::train {
namespace {

TrainOptions cosine() {
  TrainOptions options;
  options.learning_rate = 1e-3;
  options.warmup = 0.1;
  options.final_learning_rate = 0.01;
  options.schedule = Schedule::kCosine;
  return options;
}

TEST(Schedule, RisesLinearlyDuringWarmup) {
  EXPECT_EQ(warmup_steps(cosine(), 100), 10);
  EXPECT_DOUBLE_EQ(learning_rate_at(cosine(), 0, 100), 1e-4);
  EXPECT_DOUBLE_EQ(learning_rate_at(cosine(), 4, 100), 5e-4);
  EXPECT_DOUBLE_EQ(learning_rate_at(cosine(), 9, 100), 1e-3);
}

TEST(Schedule, CosineStartsAtTheTopAndEndsNearItsShare) {
  EXPECT_DOUBLE_EQ(learning_rate_at(cosine(), 10, 100), 1e-3);
  EXPECT_NEAR(learning_rate_at(cosine(), 55, 100), 1e-3 * (0.01 + 0.99 * 0.5), 1e-15);  // half way
  EXPECT_NEAR(learning_rate_at(cosine(), 100, 100), 1e-5, 1e-15);
  EXPECT_LT(learning_rate_at(cosine(), 99, 100), 1.1e-5);
}

TEST(Schedule, ConstantStaysAfterWarmup) {
  TrainOptions options = cosine();
  options.schedule = Schedule::kConstant;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 100), 4e-4);
  for (int64_t step : {10, 50, 99}) EXPECT_DOUBLE_EQ(learning_rate_at(options, step, 100), 1e-3);
}

TEST(Schedule, NoWarmupAndSingleStepAreDefined) {
  TrainOptions options = cosine();
  options.warmup = 0;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 1), 1e-3);
  options.warmup = 1;  // warm-up only
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 4), 2.5e-4);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 4), 1e-3);
}

}  // namespace
}  // namespace sscvae::train
