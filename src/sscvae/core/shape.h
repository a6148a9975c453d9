#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace sscvae {

/// "[2, 16, 8, 8]".
std::string shape_text(const at::Tensor& tensor);

/// Checks rank and, where `expected` is not -1, each size. Errors: ShapeError
/// "features: expected [N, 16, h, w], got [2, 8, 4, 4]" with `axes` naming the free sizes ("N,d,h,w").
void check_shape(const at::Tensor& tensor, const char* name, const char* axes, std::initializer_list<int64_t> expected);

}  // namespace sscvae
