#include "sscvae/nn/lite_blocks.h"

#include <ATen/ops/silu.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <numeric>

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
  return x + convolution_2_->forward(at::silu(convolution_1_->forward((*norm_)(x))));
}

}  // namespace sscvae::nn
