#pragma once

#include <cstdint>

namespace sscvae::kernels {

/// A map [images][height][width][channels] and the windows of side x side pixels around each of its pixels. A window
/// begins `before()` pixels above and left of its pixel: it is centred where `side` is odd, and reaches one pixel
/// further down and right where it is even. What lies outside the map is zero.
struct PatchGrid {
  int64_t images, height, width, channels, side;
  int64_t before() const { return (side - 1) / 2; }
  int64_t positions() const { return images * height * width; }
  /// Numbers of a window: [side][side][channels].
  int64_t numbers() const { return side * side * channels; }
};

/// The windows of the pixels [first, last) of row y of an image [height][width][channels], `stride` floats from one to
/// the next.
void gather_windows(const PatchGrid& grid, const float* image, int64_t y, int64_t first, int64_t last, float* windows,
                    int64_t stride);
/// Row y of an image from the windows of all its pixels.
void sum_windows(const PatchGrid& grid, const float* windows, int64_t y, float* row);

/// The windows of all pixels, [positions][numbers].
void gather_patches(const PatchGrid& grid, const float* map, float* patches);
/// The transpose: each pixel of the map becomes the sum of what the windows that hold it have there. The order of the
/// sum does not depend on the number of threads.
void sum_patches(const PatchGrid& grid, const float* patches, float* map);

}  // namespace sscvae::kernels
