#include "sscvae/train/precision.h"

#include <gtest/gtest.h>

#include "sscvae/core/cpu_features.h"

namespace sscvae::train {
namespace {

TEST(Precision, Bf16IsForHardwareThatMultipliesIt) {
  const bool fast = cpu_features().has_fast_bf16();
  EXPECT_EQ(uses_bf16(Precision::kAuto, c10::kCPU), fast);
  EXPECT_EQ(uses_bf16(Precision::kBf16, c10::kCPU), fast);
  EXPECT_FALSE(uses_bf16(Precision::kFp32, c10::kCPU));
  EXPECT_TRUE(uses_bf16(Precision::kAuto, c10::kCUDA));
  EXPECT_TRUE(uses_bf16(Precision::kBf16, c10::kCUDA));
  EXPECT_FALSE(uses_bf16(Precision::kFp32, c10::kCUDA));
}

}  // namespace
}  // namespace sscvae::train
