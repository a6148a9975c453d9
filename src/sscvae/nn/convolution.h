#pragma once

#include "sscvae/nn/live.h"

/// Convolutions of training, in passes with gradients on the CPU, by our own kernels where they fit and by LibTorch's
/// everywhere else. Under bfloat16 autocasting on a processor with AVX512_BF16: kernels/bfloat16_convolution.h and
/// kernels/bfloat16_weight_gradient.h. Both round inputs, weights and results to bfloat16, ours for 3x3 kernels without
/// AMX what Winograd makes of inputs and weights; sums are float32. Without autocasting, in float32: kernels/winograd.h
/// for 3x3 kernels, exact to about 1e-5 of the largest result.
namespace sscvae::nn {

/// w * x + b. Ours in bfloat16: kernel 1x1 or 3x3 that keeps the size, channels multiples of 16; or 3x3 with up to 3
/// channels on one side, from or to an image. In float32: kernel 3x3, at least 32 channels on both sides, multiples of
/// 16, and 1024 pixels.
at::Tensor convolve(const live::Convolution& convolution, const at::Tensor& x);

/// x + widen(relu(narrow(relu(x)))), in bfloat16 one operation that keeps only x and narrow's result. Ours: narrow 3x3,
/// widen 1x1, no biases.
at::Tensor residual_convolutions(const live::Convolution& narrow, const live::Convolution& widen, const at::Tensor& x);

/// A transposed convolution with kernel 2x2 and stride 2.
at::Tensor expand(const live::TransposedConvolution& expansion, const at::Tensor& x);

}  // namespace sscvae::nn
