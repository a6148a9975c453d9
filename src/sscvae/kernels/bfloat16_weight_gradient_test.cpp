#include "sscvae/kernels/bfloat16_weight_gradient.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/kernels/test_units.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::kernels {
namespace {

at::Tensor bfloat16_map(at::IntArrayRef sizes) {
  return torch::randn(sizes).to(at::kBFloat16).contiguous(at::MemoryFormat::ChannelsLast);
}

/// In float64 by autograd, from the same rounded numbers.
at::Tensor expected_gradient(const at::Tensor& x, const at::Tensor& gradient, int64_t kernel, bool input_relu) {
  const at::Tensor weight =
      torch::zeros({gradient.size(1), x.size(1), kernel, kernel}, at::kDouble).requires_grad_(true);
  const at::Tensor input = input_relu ? at::relu(x.to(at::kDouble)) : x.to(at::kDouble);
  at::conv2d(input, weight, {}, 1, kernel / 2).backward(gradient.to(at::kDouble));
  return weight.grad();
}

TEST(Bfloat16WeightGradient, IsThatOfTheConvolution) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(3);
  for (const auto& [batch, ins, outs, height, width] :
       {std::tuple{1, 16, 16, 8, 8}, {2, 32, 64, 9, 33}, {1, 80, 48, 5, 130}, {2, 144, 32, 37, 20}, {1, 64, 96, 1, 1}})
    for (const int64_t kernel : {1, 3})
      for (const bool input_relu : {false, true}) {
        const at::Tensor x = bfloat16_map({batch, ins, height, width}),
                         gradient = bfloat16_map({batch, outs, height, width});
        const at::Tensor expected = expected_gradient(x, gradient, kernel, input_relu);
        for (const Bfloat16Unit unit : testable_bfloat16_units()) {
          const at::Tensor found = bfloat16_weight_gradient(x, gradient, kernel, input_relu, unit);
          ASSERT_EQ(found.sizes(), expected.sizes());
          const double scale = expected.abs().max().item<double>();
          const double tolerance = unit == Bfloat16Unit::kAvx512 && kernel == 3 ? 1e-2 : 1e-5;  // Winograd's rounding
          EXPECT_LT((found - expected).abs().max().item<double>(), tolerance * scale)
              << ins << " -> " << outs << ", " << height << "x" << width << ", kernel " << kernel;
        }
      }
}

TEST(Bfloat16ChannelSums, AddUpWhatIsThere) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  const at::Tensor x = bfloat16_map({3, 48, 60, 50});
  EXPECT_TRUE(at::allclose(bfloat16_channel_sums(x), x.to(at::kDouble).sum({0, 2, 3}).to(at::kFloat), 1e-6, 1e-5));
}

TEST(Bfloat16WeightGradient, ThreadsChangeNothing) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  const at::Tensor x = bfloat16_map({2, 144, 20, 40}), gradient = bfloat16_map({2, 64, 20, 40});
  const int threads = at::get_num_threads();
  for (const Bfloat16Unit unit : testable_bfloat16_units()) {
    at::set_num_threads(1);
    const at::Tensor one = bfloat16_weight_gradient(x, gradient, 3, false, unit);
    at::set_num_threads(3);
    EXPECT_TRUE(at::equal(one, bfloat16_weight_gradient(x, gradient, 3, false, unit)));
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace sscvae::kernels
