#pragma once

#include <cstdint>
#include <vector>

#include "sscvae/array/array.h"

/// Square patches on a regular grid: where they lie, how they are cut out and put together again.
/// Along an axis of n pixels the grid holds 0, stride, 2 stride, ... as long as a whole patch fits: none if n < size.
namespace sscvae::image {

/// The top left corner of a patch, in pixels.
struct PatchPosition {
  int64_t x = 0, y = 0;
  friend bool operator==(const PatchPosition&, const PatchPosition&) = default;
};

struct GridSize {
  int64_t height = 0, width = 0;
  friend bool operator==(const GridSize&, const GridSize&) = default;
};

/// Order of the published training lists: column by column (x outermost, y innermost).
/// Errors of all functions: UsageError for size or stride below 1.
std::vector<PatchPosition> training_grid(int64_t height, int64_t width, int64_t size, int64_t stride);
/// Order of the published tests: row by row, left to right.
std::vector<PatchPosition> test_grid(int64_t height, int64_t width, int64_t size, int64_t stride);
/// The top left part of the image that whole patches of the grid span (0 x 0 where none fits).
GridSize covered_size(int64_t height, int64_t width, int64_t size, int64_t stride);
/// The middle of an image [C,H,W], at most `side` pixels high and wide, a view; of an odd rest the larger half is cut
/// at the bottom and right.
Array middle_of(const Array& chw, int64_t side);

/// [C,H,W] -> [P,C,size,size], a copy in the order of `positions`. Errors: ShapeError if a patch leaves the image.
Array extract_patches(const Array& chw, const std::vector<PatchPosition>& positions, int64_t size);

/// [P,C,size,size] -> [C,height,width] as the published tests do: later patches overwrite earlier ones, pixels that no
/// patch covers are 0. Errors: ShapeError if counts disagree or a patch leaves the image.
Array stitch_patches(const Array& patches, const std::vector<PatchPosition>& positions, int64_t height, int64_t width);

}  // namespace sscvae::image
