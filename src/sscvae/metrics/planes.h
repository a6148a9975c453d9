#pragma once

#include <ATen/core/Tensor.h>

/// What the image metrics share. Private to metrics.
namespace sscvae::metrics {

/// The tensor as contiguous doubles (or `dtype`) on the CPU, without a graph.
at::Tensor plain(const at::Tensor& tensor, at::ScalarType dtype = at::kDouble);

/// Errors: ShapeError unless both are [H,W], [C,H,W] or [N,C,H,W], equal in shape and not empty.
void check_image_pair(const at::Tensor& a, const at::Tensor& b);

}  // namespace sscvae::metrics
