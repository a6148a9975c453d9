#pragma once

#include <cstdint>

#include "sscvae/array/array.h"

/// Making an image larger so that a network can take it, and cutting the result back.
namespace sscvae::image {

/// Appends `bottom` rows and `right` columns by reflection without repeating the edge pixel (a b c -> a b c b a b c
/// ..., numpy's "reflect"). Any amount is possible: reflection goes on back and forth; an axis of one pixel is
/// repeated. Takes [N,C,H,W] or [C,H,W]; returns the input itself where nothing is to be added. Errors: ShapeError for
/// other ranks, an empty axis that is to be padded or a negative amount.
Array reflect_pad(const Array& nchw, int64_t bottom, int64_t right);

/// reflect_pad up to the next multiple of `multiple` in both axes.
Array reflect_pad_to_multiple(const Array& nchw, int64_t multiple);

/// The top left part of the last two axes: undoes the padding. Errors: ShapeError if larger than the input.
Array crop_to(const Array& nchw, int64_t height, int64_t width);

/// Pixels [begin, begin + size) of an axis >= 0, reflected beyond its end; begin lies inside. A view where nothing is.
Array reflected_span(const Array& image, int64_t axis, int64_t begin, int64_t size);

/// Index of the pixel that reflection shows at position i (any integer) of an axis of `size` pixels:
/// with p = 2 (size - 1) and m = i mod p, it is m for m < size, else p - m; 0 for size 1.
int64_t reflected_index(int64_t i, int64_t size);

/// The smallest multiple of `multiple` that is not below `value`.
int64_t round_up(int64_t value, int64_t multiple);

}  // namespace sscvae::image
