#include "sscvae/runtime/inference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sscvae/image/tiles.h"

namespace sscvae::runtime {
namespace {

/// Pixels that tiles compute along an axis, by its length.
std::vector<double> computed_share(const Tiling& tiling, int64_t multiple, int64_t shortest, int64_t longest) {
  std::vector<double> shares;
  for (int64_t length = shortest; length <= longest; ++length) {
    const auto spans = image::plan_tiles(length, tiling.side, tiling.overlap, multiple);
    shares.push_back(static_cast<double>(spans.front().size * static_cast<int64_t>(spans.size())) /
                     static_cast<double>(length));
  }
  return shares;
}

/// Of all images above the limit, none is computed more than one and a quarter times.
TEST(AutomaticTiling, ComputesAtMostAQuarterMoreThanTheImage) {
  constexpr int64_t kShortest = 64, kLongest = 40000;
  for (const networks::Backbone backbone : {networks::Backbone::kLite, networks::Backbone::kReference})
    for (const int64_t multiple : {1, 2, 4, 8}) {
      const Tiling tiling = automatic_tiling(backbone);
      const std::vector<double> share = computed_share(tiling, multiple, kShortest, kLongest);
      std::vector<double> worst_from = share;  // over this length and all longer ones
      for (size_t i = worst_from.size() - 1; i-- > 0;) worst_from[i] = std::max(worst_from[i], worst_from[i + 1]);
      for (int64_t height = kShortest; height <= kLongest; ++height) {
        const int64_t width = std::max(kShortest, tiling.side * tiling.side / height + 1);
        if (width > kLongest) continue;
        const double worst =
            share[static_cast<size_t>(height - kShortest)] * worst_from[static_cast<size_t>(width - kShortest)];
        ASSERT_LE(worst, 1.25) << "height " << height << ", width " << width << " or more, multiple " << multiple;
      }
    }
}

}  // namespace
}  // namespace sscvae::runtime
