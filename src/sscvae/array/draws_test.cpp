#include "sscvae/array/draws.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"

namespace sscvae {
namespace {

TEST(Draws, UniformNumbersAreThoseOfLibTorch) {
  at::Generator generator = at::detail::createCPUGenerator(0x1234567890ABCDEF);
  at::Tensor expected = torch::empty({5, 7, 3});
  expected.uniform_(-0.125, 0.125, generator);
  Draws draws(0x1234567890ABCDEF);
  EXPECT_TRUE(at::equal(draws.uniform({5, 7, 3}, -0.125, 0.125), expected));
  expected.uniform_(0, 1, generator);
  EXPECT_TRUE(at::equal(draws.uniform({5, 7, 3}, 0, 1), expected)) << "of numbers that follow";
  at::Tensor third = torch::empty({4096});
  third.uniform_(-1.0 / 3, 1.0 / 3, generator);
  EXPECT_TRUE(at::equal(draws.uniform({4096}, -1.0 / 3, 1.0 / 3), third)) << "at bounds that are rounded";
}

TEST(Draws, NormalNumbersAreThoseOfLibTorchUpToRounding) {
  for (const int64_t count : {16, 64, 100, 1001}) {
    at::Generator generator = at::detail::createCPUGenerator(7);
    const at::Tensor expected = at::randn({count}, generator, at::TensorOptions(at::kFloat));
    const at::Tensor drawn = Draws(7).normal({count});
    EXPECT_LT((drawn - expected).abs().max().item<double>(), 2e-6) << count;
  }
}

}  // namespace
}  // namespace sscvae
