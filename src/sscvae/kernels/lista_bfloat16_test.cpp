#include "sscvae/kernels/lista_bfloat16.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>

#include "sscvae/kernels/bfloat16_products.h"
#include "sscvae/kernels/layout.h"
#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/kernels/test_units.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::kernels {
namespace {

class Bfloat16Test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!supports(Precision::kBfloat16)) GTEST_SKIP() << "this processor does not multiply bfloat16 matrices";
  }
};

/// [depth, columns] as panels: [columns / width, depth / 2, width, 2].
at::Tensor panels_of(const at::Tensor& matrix) {
  const int64_t width = bfloat16_panel_width(matrix.size(1));
  return matrix.reshape({matrix.size(0) / 2, 2, -1, width}).permute({2, 0, 3, 1}).contiguous().flatten();
}

TEST_F(Bfloat16Test, PacksPanels) {
  for (const int64_t columns : {64, 192, 256}) {
    const at::Tensor matrix = at::randn({32, columns});
    const at::Tensor rounded = matrix.to(at::kBFloat16);
    EXPECT_TRUE(at::equal(pack_bfloat16(matrix.const_data_ptr<float>(), columns, 32, columns), panels_of(rounded)));
    at::Tensor interleaved = at::zeros({32 * columns}, at::TensorOptions(at::kBFloat16));
    interleave_bfloat16(Array(rounded).data<BFloat16>(), 32, columns, Array(interleaved).data<BFloat16>(),
                        32 * bfloat16_panel_width(columns));
    EXPECT_TRUE(at::equal(interleaved, panels_of(rounded)));
  }
}

TEST_F(Bfloat16Test, RoundsAndTransposes) {
  const at::Tensor matrix = at::randn({64, 96});
  at::Tensor rounded = at::zeros({64, 96}, at::TensorOptions(at::kBFloat16));
  round_to_bfloat16(matrix.const_data_ptr<float>(), 96, 64, 96, Array(rounded).data<BFloat16>());
  EXPECT_TRUE(at::equal(rounded, matrix.to(at::kBFloat16)));
  at::Tensor transposed = at::zeros({96, 80}, at::TensorOptions(at::kBFloat16));
  transpose_bfloat16(Array(rounded).data<BFloat16>(), 64, 96, Array(transposed).data<BFloat16>() + 16, 80);
  EXPECT_TRUE(at::equal(transposed.slice(1, 16), rounded.t()));
}

TEST_F(Bfloat16Test, MultipliesWhatIsThereOnly) {
  torch::manual_seed(1);
  const at::Tensor b = at::randn({96, 128}), mask = (at::rand({16, 96}) < 0.05).to(at::kFloat);
  const at::Tensor a = (at::randn({16, 96}) * mask).to(at::kBFloat16);
  const at::Tensor packed = pack_bfloat16(b.const_data_ptr<float>(), 128, 96, 128);
  std::array<int32_t, 96> lists{};  // two blocks of 48 pairs
  std::array<int32_t, 2> counts{};
  const int64_t total = find_active_pairs(Array(a).data<BFloat16>(), 16, 96, lists.data(), counts.data());
  const at::Tensor used = mask.reshape({2, 8, 48, 2}).amax({1, 3});
  EXPECT_EQ(total, used.sum().item<int64_t>());
  EXPECT_LT(total, 96);
  for (size_t block = 0; block < 2; ++block)
    for (int32_t i = 0; i < counts[block]; ++i)
      EXPECT_GT(used[static_cast<int64_t>(block)][lists[48 * block + static_cast<size_t>(i)]].item<float>(), 0);
  at::Tensor product = at::full({16, 128}, 7.0F);
  multiply_active_pairs(Array(a).data<BFloat16>(), 16, 96, Array(packed).data<BFloat16>(), 128, lists.data(),
                        counts.data(), product.mutable_data_ptr<float>());
  EXPECT_TRUE(at::allclose(product, at::mm(a.to(at::kFloat), b.to(at::kBFloat16).to(at::kFloat)), 1e-5, 1e-5));
}

/// Whole matrices by vectors and by tiles, written and added, rows of the result further apart than they are long.
TEST_F(Bfloat16Test, MultipliesMatricesByEveryUnit) {
  torch::manual_seed(2);
  const at::Tensor a = at::randn({64, 96}).to(at::kBFloat16), b = at::randn({96, 128}).to(at::kBFloat16);
  const at::Tensor packed = pack_bfloat16(b.to(at::kFloat).const_data_ptr<float>(), 128, 96, 128);
  const at::Tensor expected = at::mm(a.to(at::kFloat), b.to(at::kFloat));
  for (const Bfloat16Unit unit : testable_bfloat16_units()) {
    const bfloat16::Products& products = bfloat16::products(unit);
    at::Tensor result = at::full({64, 144}, 7.0F);
    products.configure();
    for (const bool add : {false, true})
      products.multiply_matrices({bits(a), bits(packed), 64, 128, 96, 96, 128}, result.mutable_data_ptr<float>(), 144,
                                 add);
    products.release();
    EXPECT_TRUE(at::allclose(result.narrow(1, 0, 128), 2 * expected, 1e-4, 1e-4)) << static_cast<int>(unit);
    EXPECT_TRUE(at::equal(result.narrow(1, 128, 16), at::full({64, 16}, 7.0F)));
  }
}

}  // namespace
}  // namespace sscvae::kernels
