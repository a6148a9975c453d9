#include "sscvae/kernels/patches.h"

#include <gtest/gtest.h>

#include "sscvae/array/maps.h"
#include "sscvae/array/reductions.h"
#include "support/random_arrays.h"

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
  testing::RandomArrays random(1);
  const Array map = random.uniform({g.images, g.height, g.width, g.channels});
  Array patches = Array::empty({g.positions(), g.numbers()});
  gather_patches(g, map.data<float>(), patches.data<float>());
  const int64_t before = g.before(), after = g.side - 1 - before;
  const Array filters =
      Array::identity(g.numbers()).view({g.numbers(), g.side, g.side, g.channels}).permute({0, 3, 1, 2});
  const Array padded = pad(map.permute({0, 3, 1, 2}), {before, after, before, after});
  const Array expected = conv2d(padded, filters).permute({0, 2, 3, 1}).reshape({g.positions(), g.numbers()});
  EXPECT_TRUE(equal(patches, expected));
}

/// <gather(x), p> = <x, sum(p)>.
TEST_P(PatchesOf, SumIsTheTranspose) {
  const PatchGrid g = grid();
  testing::RandomArrays random(1);
  const Array map = random.uniform({g.images, g.height, g.width, g.channels});
  const Array weights = random.uniform({g.positions(), g.numbers()});
  Array patches = empty_like(weights), sums = empty_like(map);
  gather_patches(g, map.data<float>(), patches.data<float>());
  sum_patches(g, weights.data<float>(), sums.data<float>());
  const double one = sum(patches.to(kFloat64) * weights);
  const double other = sum(map.to(kFloat64) * sums);
  EXPECT_NEAR(one, other, 1e-6 * one);
}

INSTANTIATE_TEST_SUITE_P(, PatchesOf,
                         ::testing::Values(PatchCase{4, 4, 9, 11}, PatchCase{4, 5, 8, 8}, PatchCase{12, 4, 7, 5},
                                           PatchCase{3, 3, 5, 6}, PatchCase{1, 2, 6, 6}, PatchCase{16, 5, 2, 3},
                                           PatchCase{6, 4, 1, 1}));

}  // namespace
}  // namespace sscvae::kernels
