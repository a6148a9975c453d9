#include "sscvae/core/cpu_features.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"

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

TEST(CpuFeatures, ReadsTheFlagsOfArm) {
  const CpuFeatures features = parse_cpuinfo("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd crc32\n");
  EXPECT_TRUE(features.runs("neon"));
  EXPECT_FALSE(features.runs("avx2"));
}

TEST(CpuFeatures, RunWhatTheyHaveAllInstructionsOf) {
  CpuFeatures features;
  EXPECT_TRUE(features.runs("portable"));
  features.flags = {"avx2", "avx512f", "avx512bw", "avx512vl", "avx512dq", "amx_bf16"};
  EXPECT_FALSE(features.runs("avx2"));
  EXPECT_FALSE(features.runs("avx512")) << "it builds on AVX2 with FMA";
  features.flags.insert("fma");
  EXPECT_TRUE(features.runs("avx512"));
  EXPECT_FALSE(features.runs("amx"));
  EXPECT_FALSE(features.runs("nonsense"));
  EXPECT_FALSE(hold_to(features, "avx2").runs("avx512"));
}

TEST(CpuFeatures, UnknownProcessorsHaveNothing) {
  const CpuFeatures features = parse_cpuinfo("nonsense\n: \n");
  EXPECT_EQ(features.model, "");
  EXPECT_FALSE(features.has_fast_bf16());
}

TEST(CpuFeatures, AreHeldToAnInstructionSet) {
  CpuFeatures all;
  all.flags = {"fpu",     "sse4_2",   "avx",         "avx2",     "fma",     "f16c",
               "avx512f", "avx512bw", "avx512_bf16", "amx_tile", "amx_bf16"};
  const auto left = [&](const char* set) { return hold_to(all, set).flags; };
  EXPECT_EQ(left("portable"), (std::set<std::string>{"fpu", "sse4_2"}));
  EXPECT_EQ(left("avx2"), (std::set<std::string>{"fpu", "sse4_2", "avx", "avx2", "fma", "f16c"}));
  EXPECT_EQ(left("avx512").count("avx512bw"), 1u);
  EXPECT_EQ(left("avx512").count("avx512_bf16"), 0u);
  EXPECT_EQ(left("avx512_bf16").count("avx512_bf16"), 1u);
  EXPECT_EQ(left("avx512_bf16").count("amx_tile"), 0u);
  EXPECT_EQ(left("amx"), all.flags);
  EXPECT_EQ(hold_to(all, "avx2").held_to, "avx2");
  EXPECT_TRUE(hold_to({}, "amx").flags.empty());
  for (const char* unknown : {"", "sse", "AVX2", "avx-512"}) EXPECT_THROW(hold_to(all, unknown), UsageError) << unknown;
}

}  // namespace
}  // namespace sscvae
