#include "sscvae/nn/tensor_memory.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"

namespace sscvae::nn {
namespace {

TEST(TensorMemory, BlocksFromBeforeAreFreedSilently) {
  at::Tensor before = at::empty({1 << 20}, at::kByte);
  ::testing::internal::CaptureStderr();
  const TensorMemory memory;
  before = at::Tensor();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(memory.peak_bytes(), 0);
}

TEST(TensorMemory, PeakIsTheMostInUseAtOnce) {
  const TensorMemory memory;
  constexpr int64_t kMebibyte = 1 << 20;
  for (int i = 0; i < 3; ++i) at::empty({kMebibyte}, at::kByte);
  EXPECT_GE(memory.peak_bytes(), kMebibyte);
  EXPECT_LT(memory.peak_bytes(), 2 * kMebibyte);
  const at::Tensor a = at::empty({kMebibyte}, at::kByte), b = at::empty({kMebibyte}, at::kByte);
  EXPECT_GE(memory.peak_bytes(), 2 * kMebibyte);
}

}  // namespace
}  // namespace sscvae::nn
