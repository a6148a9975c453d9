#pragma once

#include "sscvae/array/array.h"

/// What the image metrics share. Private to metrics.
namespace sscvae::metrics {

/// The numbers as contiguous doubles (or of `type`): the array itself where they are.
Array plain(const Array& array, DataType type = kFloat64);

/// Errors: ShapeError unless both are [H,W], [C,H,W] or [N,C,H,W], equal in shape and not empty.
void check_image_pair(const Array& a, const Array& b);

}  // namespace sscvae::metrics
