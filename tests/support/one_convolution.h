#pragma once

#include <torch/nn/modules/conv.h>

namespace sscvae::testing {

/// A module with one convolution 2 -> 4 (3x3) called "conv".
class OneConvolution : public torch::nn::Module {
 public:
  OneConvolution() { conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 4, 3).padding(1))); }
  torch::nn::Conv2d conv{nullptr};
};

/// What its forward pass costs for a batch of five images of 6x7 pixels.
inline constexpr int64_t kForwardMacs = 5 * 6 * 7 * (2 * 4 * 9);

}  // namespace sscvae::testing
