#include "sscvae/image/tiles.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/image/padding.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::image {
namespace {

at::Tensor identity(const at::Tensor& tile, const OwnPart&) { return tile; }

TEST(PlanTiles, OneSpanForSmallImages) {
  EXPECT_EQ(plan_tiles(30, 64, 16, 8), (std::vector<TileSpan>{{0, 32, 0, 0}}));
  EXPECT_EQ(plan_tiles(1, 64, 16, 8), (std::vector<TileSpan>{{0, 8, 0, 0}}));
}

TEST(PlanTiles, KeepsItsPromisesForEveryLength) {
  for (int64_t length = 1; length < 300; ++length)
    for (const auto& [tile, overlap, multiple] :
         std::vector<std::array<int64_t, 3>>{{64, 16, 8}, {33, 5, 8}, {16, 0, 1}, {7, 6, 1}, {10, 3, 16}}) {
      const int64_t shared = round_up(overlap, multiple);
      if (shared >= round_up(tile, multiple)) continue;
      const std::vector<TileSpan> spans = plan_tiles(length, tile, overlap, multiple);
      const int64_t padded = round_up(length, multiple);
      EXPECT_EQ(spans.front().begin, 0);
      EXPECT_EQ(spans.back().begin + spans.back().size, padded);
      for (size_t i = 0; i < spans.size(); ++i) {
        EXPECT_EQ(spans[i].begin % multiple, 0);
        EXPECT_EQ(spans[i].size % multiple, 0);
        EXPECT_EQ(spans[i].size, spans[0].size);
        EXPECT_LE(spans[i].size, std::min(padded, round_up(tile, multiple)));
        EXPECT_LT(spans[i].begin, length);
        if (i == 0) continue;
        EXPECT_GE(spans[i - 1].begin + spans[i - 1].size - spans[i].begin, overlap);
        EXPECT_GT(spans[i].begin, spans[i - 1].begin);
      }
    }
}

/// One pixel above the tile must not cost a whole second tile.
TEST(PlanTiles, ShrinkToWhatCoversTheAxis) {
  EXPECT_EQ(plan_tiles(72, 64, 16, 8), (std::vector<TileSpan>{{0, 48, 0, 24}, {24, 48, 24, 0}}));
  EXPECT_EQ(plan_tiles(1416, 1408, 64, 8), (std::vector<TileSpan>{{0, 744, 0, 72}, {672, 744, 72, 0}}));
}

TEST(TileWeights, AddUpToOneAndAreNeverNegative) {
  for (const int64_t length : {65, 100, 255, 1000}) {
    const std::vector<TileSpan> spans = plan_tiles(length, 64, 48, 8);
    const std::vector<Array> weights = tile_weights(spans);
    at::Tensor sum = at::zeros({spans.back().begin + spans.back().size}, at::kDouble);
    for (size_t i = 0; i < spans.size(); ++i) {
      const at::Tensor weight = weights[i];
      sum.narrow(0, spans[i].begin, spans[i].size).add_(weight);
      EXPECT_GE(weight.min().item<double>(), 0);
    }
    EXPECT_LT((sum - 1).abs().max().item<double>(), 1e-12);
  }
}

TEST(ProcessTiled, IdentityGivesTheImageForEverySize) {
  for (const int64_t height : {1, 2, 7, 16, 17, 31, 40, 65})
    for (const int64_t width : {1, 3, 16, 33, 50, 97}) {
      const at::Tensor image = at::rand({2, 3, height, width});
      const at::Tensor result = process_tiled(image, 24, 6, 4, identity);
      ASSERT_EQ(result.sizes(), image.sizes());
      EXPECT_LT((result - image).abs().max().item<float>(), 5e-7f) << height << "x" << width;
    }
}

TEST(ProcessTiled, SmallImagesRunOnceAndExactly) {
  int calls = 0;
  const at::Tensor image = at::rand({1, 1, 21, 30});
  const at::Tensor result = process_tiled(image, 32, 8, 8, [&](const at::Tensor& tile, const OwnPart&) {
    ++calls;
    EXPECT_TRUE(at::equal(tile, reflect_pad_to_multiple(image, 8)));
    return tile;
  });
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(at::equal(result, image));
}

TEST(ProcessTiled, TilesAreBoundedAndOfTheMultiple) {
  process_tiled(at::rand({1, 1, 130, 75}), 30, 5, 8, [](const at::Tensor& tile, const OwnPart&) {
    EXPECT_EQ(tile.size(2), 32);
    EXPECT_EQ(tile.size(3), 32);
    return tile;
  });
}

/// A filter whose reach lies within the overlap's faded part leaves a small, smooth error; one that only sees its own
/// block of the grid leaves none, because tiles begin at multiples.
TEST(ProcessTiled, KeepsTheGridOfTheNetwork) {
  const auto blocks = [](const at::Tensor& tile, const OwnPart&) {
    return at::avg_pool2d(tile, {4, 4}).repeat_interleave(4, 2).repeat_interleave(4, 3);
  };
  const at::Tensor image = at::rand({1, 1, 90, 61});
  const at::Tensor whole = crop_to(blocks(reflect_pad_to_multiple(image, 4), {}), 90, 61);
  const at::Tensor tiled = process_tiled(image, 20, 8, 4, blocks);
  EXPECT_LT((tiled - whole).abs().max().item<float>(), 1e-6f);
}

TEST(ProcessTiled, OwnPartsHoldEachPixelOnce) {
  for (const auto& [height, width] : {std::pair{90, 61}, {16, 16}, {130, 75}, {33, 20}}) {
    int64_t pixels = 0;
    process_tiled(at::rand({1, 1, height, width}), 24, 8, 4, [&](const at::Tensor& tile, const OwnPart& own) {
      EXPECT_LE(own.bottom, tile.size(2));
      EXPECT_LE(own.right, tile.size(3));
      for (const int64_t edge : {own.top, own.bottom, own.left, own.right}) EXPECT_EQ(edge % 4, 0);
      pixels += (own.bottom - own.top) * (own.right - own.left);
      return tile;
    });
    EXPECT_EQ(pixels, round_up(height, 4) * round_up(width, 4)) << height << "x" << width;
  }
}

TEST(ProcessTiled, ChannelsAndTypeAreThoseOfTheResult) {
  const auto twice = [](const at::Tensor& tile, const OwnPart&) {
    return at::cat({tile, 1 - tile}, 1).to(at::kDouble);
  };
  const at::Tensor image = at::rand({1, 1, 40, 40});
  const at::Tensor result = process_tiled(image, 16, 4, 4, twice);
  EXPECT_EQ(result.scalar_type(), at::kDouble);
  EXPECT_EQ(result.size(1), 2);
  EXPECT_LT((result - twice(image, {})).abs().max().item<double>(), 1e-12);
}

TEST(ProcessTiled, ChecksItsArguments) {
  const at::Tensor image = at::rand({1, 1, 40, 40});
  EXPECT_THROW(process_tiled(image[0], 16, 4, 4, identity), ShapeError);
  EXPECT_THROW(process_tiled(image, 0, 0, 4, identity), UsageError);
  EXPECT_THROW(process_tiled(image, 16, 16, 4, identity), UsageError);
  EXPECT_THROW(process_tiled(image, 16, -1, 4, identity), UsageError);
  EXPECT_THROW(process_tiled(image, 16, 4, 0, identity), UsageError);
  EXPECT_THROW(process_tiled(at::zeros({1, 1, 0, 4}), 16, 4, 4, identity), ShapeError);
  EXPECT_THROW(
      process_tiled(image, 16, 4, 4, [](const at::Tensor& tile, const OwnPart&) { return tile.narrow(2, 0, 3); }),
      ShapeError);
}

}  // namespace
}  // namespace sscvae::image
