#pragma once

#include <torch/nn/modules/conv.h>

namespace sscvae::nn {

/// What comes before a convolution and is not kept for the backward pass.
enum class Before { kNothing, kRelu };

/// convolution(x) or convolution(relu(x)). Under bfloat16 autocasting on a processor with AMX, in passes with
/// gradients, by our own kernels (kernels/amx_convolution.h, kernels/amx_weight_gradient.h) where they fit: kernel 1x1
/// or 3x3 that keeps the size, channels multiples of 16. They round where LibTorch's bfloat16 convolution does: inputs,
/// weights and results; sums are float32. Everywhere else, the module itself.
at::Tensor convolve(torch::nn::Conv2d& convolution, const at::Tensor& x, Before before = Before::kNothing);

}  // namespace sscvae::nn
