#include "sscvae/image/patches.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::image {
namespace {

using Grid = std::vector<PatchPosition>;

at::Tensor counted(int64_t height, int64_t width) {
  return at::arange(height * width, at::kFloat).view({1, height, width});
}

TEST(Grids, TrainingGoesByColumnsTestByRows) {
  EXPECT_EQ(training_grid(5, 6, 2, 2), (Grid{{0, 0}, {0, 2}, {2, 0}, {2, 2}, {4, 0}, {4, 2}}));
  EXPECT_EQ(test_grid(5, 6, 2, 2), (Grid{{0, 0}, {2, 0}, {4, 0}, {0, 2}, {2, 2}, {4, 2}}));
}

TEST(Grids, HoldWhatFits) {
  EXPECT_EQ(test_grid(4, 4, 4, 1), (Grid{{0, 0}}));
  EXPECT_TRUE(test_grid(3, 9, 4, 1).empty());
  EXPECT_TRUE(training_grid(9, 3, 4, 1).empty());
  EXPECT_EQ(covered_size(37, 53, 16, 8), (GridSize{32, 48}));
  EXPECT_EQ(covered_size(70, 100, 32, 24), (GridSize{56, 80}));
  EXPECT_EQ(covered_size(70, 10, 32, 24), (GridSize{0, 0}));
  EXPECT_THROW(test_grid(4, 4, 0, 1), UsageError);
  EXPECT_THROW(training_grid(4, 4, 2, 0), UsageError);
}

TEST(ExtractPatches, CopiesInOrder) {
  const at::Tensor patches = extract_patches(counted(4, 5), {{3, 0}, {0, 2}}, 2);
  const float* v = patches.const_data_ptr<float>();
  EXPECT_EQ((std::vector<float>(v, v + 8)), (std::vector<float>{3, 4, 8, 9, 10, 11, 15, 16}));
  EXPECT_EQ(extract_patches(counted(4, 5), {}, 2).sizes(), (Sizes{0, 1, 2, 2}));
}

TEST(StitchPatches, LaterPatchesOverwriteAndGapsAreZero) {
  at::Tensor patches = at::zeros({2, 1, 2, 2});
  patches.select(0, 0).fill_(1);
  patches.select(0, 1).fill_(2);
  const at::Tensor image = stitch_patches(patches, {{0, 0}, {1, 0}}, 3, 4);
  const float* v = image.const_data_ptr<float>();
  EXPECT_EQ((std::vector<float>(v, v + 12)), (std::vector<float>{1, 2, 2, 0, 1, 2, 2, 0, 0, 0, 0, 0}));
}

TEST(Stitching, UndoesExtraction) {
  for (const int64_t stride : {1, 3, 4}) {
    const at::Tensor image = at::rand({3, 13, 18});
    const Grid grid = test_grid(13, 18, 4, stride);
    const auto [height, width] = covered_size(13, 18, 4, stride);
    const at::Tensor covered = image.narrow(1, 0, height).narrow(2, 0, width);
    EXPECT_TRUE(at::equal(stitch_patches(extract_patches(image, grid, 4), grid, height, width), covered));
  }
}

TEST(Middle, IsCutEquallyOnBothSides) {
  const at::Tensor image = counted(5, 8);
  EXPECT_TRUE(at::equal(middle_of(image, 4), image.narrow(1, 0, 4).narrow(2, 2, 4)));
  EXPECT_TRUE(at::equal(middle_of(image, 6), image.narrow(2, 1, 6)));
  EXPECT_TRUE(at::equal(middle_of(image, 9), image));
}

TEST(Patches, CheckTheirArguments) {
  EXPECT_THROW(extract_patches(counted(4, 5), {{4, 0}}, 2), ShapeError);
  EXPECT_THROW(extract_patches(counted(4, 5), {{0, -1}}, 2), ShapeError);
  EXPECT_THROW(extract_patches(at::zeros({4, 5}), {{0, 0}}, 2), ShapeError);
  EXPECT_THROW(stitch_patches(at::zeros({2, 1, 2, 2}), {{0, 0}}, 4, 4), ShapeError);
  EXPECT_THROW(stitch_patches(at::zeros({1, 1, 2, 3}), {{0, 0}}, 4, 4), ShapeError);
}

}  // namespace
}  // namespace sscvae::image
