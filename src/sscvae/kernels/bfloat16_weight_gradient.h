#pragma once

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/kernels/bfloat16_unit.h"

namespace sscvae::kernels {

/// The gradient of a convolution's weight from bfloat16 maps with float32 sums: of y = w * relu(x) or,
/// with `input_relu` false, w * x, kernel 1x1 or 3x3, stride 1, padding that keeps the size. Results do not depend on
/// the number of threads. Shapes: x [N,C,H,W] and gradient [N,C',H,W], bfloat16 channels-last, C and C' multiples of
/// 16; the result is float32 [C',C,kernel,kernel], channels-last. On AMX tiles, or AVX512_BF16 and for
/// 3x3 Winograd (bfloat16_winograd.h).
Array bfloat16_weight_gradient(const Array& x, const Array& gradient, int64_t kernel, bool input_relu,
                               Bfloat16Unit unit = best_bfloat16_unit());

/// Sums over images and pixels: bfloat16 channels-last [N,C,H,W], C a multiple of 16, -> float32 [C]. Needs
/// has_bfloat16_kernels(). Results do not depend on the number of threads.
Array bfloat16_channel_sums(const Array& x);

}  // namespace sscvae::kernels
