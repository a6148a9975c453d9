#pragma once

#include <ATen/core/Tensor.h>

/// The convolutions of a convolutional sparse coder: few channels on one side, many atoms on the other. On the CPU in
/// float32 they are matrix products over windows (kernels/patches.h), everywhere else LibTorch's convolutions. A window
/// of even side reaches one pixel further down and right (kernels::PatchGrid).
namespace sscvae::nn {

/// previous + A * x: what the K filters A [K,C,k,k] see in x [N,C,h,w], [N,K,h,w]. `previous` may be undefined: 0.
at::Tensor analyse(const at::Tensor& x, const at::Tensor& filters, const at::Tensor& previous = {});

/// B * code: code [N,K,h,w] laid down as patches, [N,C,h,w]; B [C,K,k,k] is an ordinary convolution's weight. With
/// B = A transposed and flipped the transpose of analyse.
at::Tensor synthesise(const at::Tensor& code, const at::Tensor& filters);

}  // namespace sscvae::nn
