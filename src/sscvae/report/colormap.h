#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/image/image.h"

/// Numbers as colours.
namespace sscvae::report {

using Rgb = std::array<uint8_t, 3>;
inline constexpr Rgb kNotFinite{255, 0, 255};  ///< the colour of NaN in every map
inline constexpr Rgb kGap{128, 128, 128};      ///< between the tiles of a mosaic

/// "viridis" (dark violet to yellow, even steps of lightness), "diverging" (blue, white at the middle, red), "grey".
const std::vector<std::string>& colormap_names();
/// The colour at 0 ... 1; values outside are clamped. Errors: UsageError with the nearest known name.
Rgb color_at(const std::string& colormap, double position);

/// An RGB image of an array [h,w]: lo is the map's beginning, hi its end. Where lo = hi, values above it take the end.
/// Errors: ShapeError; UsageError for lo > hi, bounds that are not finite, or an unknown map.
image::Image apply_colormap(const Array& values, double lo, double hi, const std::string& colormap = "viridis");
/// The same from the array's own smallest to its largest finite value; "diverging" symmetric about 0.
image::Image apply_colormap(const Array& values, const std::string& colormap = "viridis");

/// Dictionary atoms side by side: patches [K,h,w], or [K,C,h,w] with C 1 or 3, in reading order, one pixel of kGap
/// between and around them; `columns` 0 chooses a nearly square mosaic. Each atom is divided by its largest magnitude:
/// grey ones in the diverging map (white is 0), colour ones around mid-grey. An atom of zeros is the map's middle.
/// Size: columns * (w + 1) + 1 by rows * (h + 1) + 1. Errors: ShapeError; UsageError for negative columns.
image::Image atoms_mosaic(const Array& patches, int64_t columns = 0);

/// reconstruction - original, [C,H,W] both: grey images in the diverging map (red: too bright), colour ones as
/// 0.5 + gain * difference / 2. Differences of +-1/gain reach the ends. Errors: ShapeError; UsageError for gain <= 0.
image::Image residual_image(const Array& original, const Array& reconstruction, double gain = 5);

}  // namespace sscvae::report
