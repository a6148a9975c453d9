#pragma once

#include <torch/nn/modules/conv.h>

/// Convolutions of training. Under bfloat16 autocasting on a processor with AVX512_BF16, in passes with gradients, by
/// our own kernels (kernels/bfloat16_convolution.h, kernels/bfloat16_weight_gradient.h) where they fit; everywhere
/// else, by the modules. Both round inputs, weights and results to bfloat16, ours for 3x3 kernels without AMX what
/// Winograd makes of inputs and weights; sums are float32.
namespace sscvae::nn {

/// convolution(x). Ours: kernel 1x1 or 3x3 that keeps the size, channels multiples of 16; or 3x3 with up to 3 channels
/// on one side, from or to an image.
at::Tensor convolve(torch::nn::Conv2d& convolution, const at::Tensor& x);

/// x + widen(relu(narrow(relu(x)))) as one operation that keeps only x and narrow's result. Ours: narrow 3x3, widen
/// 1x1, no biases.
at::Tensor residual_convolutions(torch::nn::Conv2d& narrow, torch::nn::Conv2d& widen, const at::Tensor& x);

/// A transposed convolution, ours for kernel 2x2 and stride 2.
at::Tensor expand(torch::nn::ConvTranspose2d& expansion, const at::Tensor& x);

}  // namespace sscvae::nn
