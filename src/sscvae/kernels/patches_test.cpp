#include "sscvae/kernels/patches.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include "sscvae/nn/arrays.h"

namespace sscvae::kernels {
namespace {

struct PatchCase {
  int64_t channels, side, height, width;
};

class PatchesOf : public ::testing::TestWithParam<PatchCase> {
 protected:
  PatchGrid grid() const {
    const PatchCase c = GetParam();
    return {2, c.height, c.width, c.channels, c.side};
  }
};

/// What a convolution with one filter for each number of a window finds.
TEST_P(PatchesOf, AreWhatConvolutionsSee) {
  const PatchGrid g = grid();
  const at::Tensor map = at::rand({g.images, g.height, g.width, g.channels});
  at::Tensor patches = at::empty({g.positions(), g.numbers()});
  gather_patches(g, map.const_data_ptr<float>(), patches.mutable_data_ptr<float>());
  const int64_t before = g.before(), after = g.side - 1 - before;
  const at::Tensor filters = at::eye(g.numbers()).view({g.numbers(), g.side, g.side, g.channels}).permute({0, 3, 1, 2});
  const at::Tensor padded = at::constant_pad_nd(map.permute({0, 3, 1, 2}), {before, after, before, after});
  const at::Tensor expected = at::conv2d(padded, filters).permute({0, 2, 3, 1}).reshape({g.positions(), g.numbers()});
  EXPECT_TRUE(patches.equal(expected));
}

/// <gather(x), p> = <x, sum(p)>.
TEST_P(PatchesOf, SumIsTheTranspose) {
  const PatchGrid g = grid();
  const at::Tensor map = at::rand({g.images, g.height, g.width, g.channels});
  const at::Tensor weights = at::rand({g.positions(), g.numbers()});
  at::Tensor patches = at::empty_like(weights), sums = at::empty_like(map);
  gather_patches(g, map.const_data_ptr<float>(), patches.mutable_data_ptr<float>());
  sum_patches(g, weights.const_data_ptr<float>(), sums.mutable_data_ptr<float>());
  const double one = (patches.to(at::kDouble) * weights).sum().item<double>();
  const double other = (map.to(at::kDouble) * sums).sum().item<double>();
  EXPECT_NEAR(one, other, 1e-6 * one);
}

INSTANTIATE_TEST_SUITE_P(, PatchesOf,
                         ::testing::Values(PatchCase{4, 4, 9, 11}, PatchCase{4, 5, 8, 8}, PatchCase{12, 4, 7, 5},
                                           PatchCase{3, 3, 5, 6}, PatchCase{1, 2, 6, 6}, PatchCase{16, 5, 2, 3},
                                           PatchCase{6, 4, 1, 1}));

}  // namespace
}  // namespace sscvae::kernels
