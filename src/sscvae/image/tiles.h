#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sscvae/array/array.h"

/// Large images in bounded memory: overlapping tiles, each run on its own, blended without seams.
namespace sscvae::image {

/// One piece of an axis: pixels [begin, begin + size), which may reach beyond the image (reflected there), and how much
/// of it is shared with the neighbours.
struct TileSpan {
  int64_t begin = 0, size = 0;
  int64_t fade_in = 0, fade_out = 0;  ///< pixels shared with the tile before and after; 0 at the ends of the image
  friend bool operator==(const TileSpan&, const TileSpan&) = default;
};

/// Spans of one axis of `length` pixels: as few as spans of at most `tile`, rounded up to `multiple`, allow. Every span
/// begins at a multiple of `multiple` and has the same size, the smallest multiple of it with which that many spans
/// cover the axis. Neighbours share at least `overlap` pixels. Errors: UsageError unless tile >= 1, multiple >= 1, 0 <=
/// overlap and the rounded overlap < the rounded tile.
std::vector<TileSpan> plan_tiles(int64_t length, int64_t tile, int64_t overlap, int64_t multiple);

/// Weight of each span's pixels: raised cosines over the shared pixels, divided by the sum over all spans, so that the
/// weights of every pixel of the axis add up to 1. float64, one array [size] for each span.
std::vector<Array> tile_weights(const std::vector<TileSpan>& spans);

/// The pixels of a tile that count as its own where each pixel of the image is to count once: its neighbours begin in
/// the middle of what they share, at a multiple of `multiple`.
struct OwnPart {
  int64_t top = 0, bottom = 0, left = 0, right = 0;  ///< [top, bottom) x [left, right), in the tile
};

/// Runs `run` on the image in tiles and blends the results; in one piece if the image, padded to `multiple`, is not
/// larger than `tile` in both axes. Tiles that reach beyond the image see it reflected.
/// `run` takes [N,C,h,w] with h and w multiples of `multiple`, and which part is its own, and returns [N,C',h,w].
/// Returns [N,C',H,W] in the type of the results. With run = identity the result is the image up to rounding. Beside
/// input and output, memory is needed for one tile only. Errors: as plan_tiles; ShapeError if the input is not
/// [N,C,H,W] or `run` changes the size.
Array process_tiled(const Array& nchw, int64_t tile, int64_t overlap, int64_t multiple,
                    const std::function<Array(const Array&, const OwnPart&)>& run);

}  // namespace sscvae::image
