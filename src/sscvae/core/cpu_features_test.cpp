#include "sscvae/core/cpu_features.h"

#include <gtest/gtest.h>

namespace sscvae {
namespace {

TEST(CpuFeatures, ReadsModelAndFlagsOfTheFirstProcessor) {
  const CpuFeatures features = parse_cpuinfo(
      "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: fpu avx2 amx_bf16\n\n"
      "processor\t: 1\nmodel name\t: Other\nflags\t\t: fpu avx512f\n");
  EXPECT_EQ(features.model, "Some CPU @ 2.0GHz");
  EXPECT_TRUE(features.has("avx2"));
  EXPECT_FALSE(features.has("avx512f"));
  EXPECT_TRUE(features.has_fast_bf16());
}

TEST(CpuFeatures, UnknownProcessorsHaveNothing) {
  const CpuFeatures features = parse_cpuinfo("nonsense\n: \n");
  EXPECT_EQ(features.model, "");
  EXPECT_FALSE(features.has_fast_bf16());
}

}  // namespace
}  // namespace sscvae
