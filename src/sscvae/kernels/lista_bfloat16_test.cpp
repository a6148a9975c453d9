#include "sscvae/kernels/lista_bfloat16.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "sscvae/kernels/lista_kernel.h"

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
    interleave_bfloat16(rounded.const_data_ptr<at::BFloat16>(), 32, columns,
                        interleaved.mutable_data_ptr<at::BFloat16>(), 32 * bfloat16_panel_width(columns));
    EXPECT_TRUE(at::equal(interleaved, panels_of(rounded)));
  }
}

TEST_F(Bfloat16Test, RoundsAndTransposes) {
  const at::Tensor matrix = at::randn({64, 96});
  at::Tensor rounded = at::zeros({64, 96}, at::TensorOptions(at::kBFloat16));
  round_to_bfloat16(matrix.const_data_ptr<float>(), 96, 64, 96, rounded.mutable_data_ptr<at::BFloat16>());
  EXPECT_TRUE(at::equal(rounded, matrix.to(at::kBFloat16)));
  at::Tensor transposed = at::zeros({96, 80}, at::TensorOptions(at::kBFloat16));
  transpose_bfloat16(rounded.const_data_ptr<at::BFloat16>(), 64, 96, transposed.mutable_data_ptr<at::BFloat16>() + 16,
                     80);
  EXPECT_TRUE(at::equal(transposed.slice(1, 16), rounded.t()));
}

}  // namespace
}  // namespace sscvae::kernels
