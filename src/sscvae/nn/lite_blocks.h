#pragma once

#include <memory>

#include "sscvae/nn/blocks.h"

namespace sscvae::nn {

/// x + conv3x3(silu(conv3x3(norm(x)))); the last convolution starts ten times smaller and without bias, so that a deep
/// stack without normalisation starts near the identity. Shapes: [N,C,H,W] -> [N,C,H,W].
class LiteResidualBlockImpl : public torch::nn::Module {
 public:
  LiteResidualBlockImpl(int64_t channels, Norm norm);
  at::Tensor forward(const at::Tensor& x);

 private:
  std::unique_ptr<ChannelNorm> norm_;
  torch::nn::Conv2d convolution_1_{nullptr}, convolution_2_{nullptr};
};
TORCH_MODULE(LiteResidualBlock);

}  // namespace sscvae::nn
