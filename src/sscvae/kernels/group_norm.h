#pragma once

#include "sscvae/array/array.h"
#include "sscvae/array/maps.h"
#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels {

/// act(weight[c] (x - mean) / sqrt(variance + epsilon) + bias[c]), mean and variance over the pixels and channels of an
/// image's group. Two passes over the map; sums in double in a fixed order, so that threads do not change them.
/// Shapes: x, out [N,C,H,W] channels-last, float32, or bfloat16 where has_bfloat16_kernels(); weight, bias [C] float32.
void group_norm(const Array& x, int64_t groups, double epsilon, const Array& weight, const Array& bias, Act act,
                const Array& out);
/// Is there a kernel for that many channels?
bool can_group_norm(int64_t channels);

}  // namespace sscvae::kernels
