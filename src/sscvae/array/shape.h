#pragma once

#include "sscvae/array/array.h"

namespace sscvae {

/// "[2, 16, 8, 8]", or "nothing" for an array that is not defined.
std::string shape_text(const Array& array);

/// Checks rank and, where `expected` is not -1, each size. Errors: ShapeError
/// "features: expected [N, 16, h, w], got [2, 8, 4, 4]" with `axes` naming the free sizes ("N,d,h,w").
void check_shape(const Array& array, const char* name, const char* axes, std::initializer_list<int64_t> expected);

}  // namespace sscvae
