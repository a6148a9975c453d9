#pragma once

#include "sscvae/array/array.h"

/// Arrays made of parts of others.
namespace sscvae {

Array cat(const std::vector<Array>& parts, int64_t axis = 0);
Array stack(const std::vector<Array>& parts, int64_t axis = 0);  ///< along a new axis
/// Rows by number along an axis; `indices` int64 [n]. Errors: ShapeError for numbers outside.
Array index_select(const Array& a, int64_t axis, const Array& indices);
/// The numbers at which `mask` (of common shape) is true, in order: [n].
Array masked_select(const Array& a, const Array& mask);
Array flip(const Array& a, const Sizes& axes);
/// Each row `count` times in turn.
Array repeat_interleave(const Array& a, int64_t count, int64_t axis);
Array repeat(const Array& a, const Sizes& counts);  ///< the whole side by side
Array sorted(const Array& a);                       ///< [n], ascending

}  // namespace sscvae
