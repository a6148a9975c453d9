#include "sscvae/nn/lite_blocks.h"

#include <ATen/ops/silu.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <numeric>

#include "sscvae/nn/convolution.h"

namespace sscvae::nn {

LiteResidualBlockImpl::LiteResidualBlockImpl(int64_t channels, Norm norm)
    : norm_(std::make_unique<ChannelNorm>(*this, "norm", norm, channels, std::gcd<int64_t>(8, channels))),
      convolution_1_(register_module("conv1", same_convolution(channels, channels, 3))),
      convolution_2_(register_module("conv2", same_convolution(channels, channels, 3))) {
  const at::NoGradGuard no_grad;
  convolution_2_->weight.mul_(0.1);
  convolution_2_->bias.zero_();
}

at::Tensor LiteResidualBlockImpl::forward(const at::Tensor& x) {
  const at::Tensor normalised = norm_->activated(x, {kernels::Act::kNone});
  return x + convolve(convolution_2_, at::silu(convolve(convolution_1_, normalised)));
}

}  // namespace sscvae::nn
