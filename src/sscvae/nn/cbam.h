#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "sscvae/networks/sparse_coder_options.h"

namespace sscvae::nn {

using networks::SpatialInput;

/// Channel and spatial attention on threshold maps: the sparsity controller's refinement.
///   W_c = sigmoid(MLP(mean_hw(a)) + MLP(max_hw(a)))                  (Eq. 9), MLP without biases, K -> K/reduction ->
///   K W_s = sigmoid(conv([mean_K(b); max_K(b)]))                       (Eq. 10), b = W_c a (the authors' code) or,
///   with
///                                                                    SpatialInput::kInferred, b = a (Eq. 10 to the
///                                                                    letter)
///   a+  = W_s (W_c a)                                                (Eq. 11)
/// Shapes: [N,K,h,w] -> [N,K,h,w]. Source: Woo et al. 2018.
class CbamImpl : public torch::nn::Module {
 public:
  CbamImpl(int64_t channels, int64_t reduction, int64_t kernel, SpatialInput spatial_input = SpatialInput::kRefined);
  at::Tensor forward(const at::Tensor& maps);
  /// W_c a alone.
  at::Tensor channel_attention(const at::Tensor& maps);

 private:
  at::Tensor spatial_weights(const at::Tensor& maps);
  torch::nn::Linear squeeze_{nullptr}, excite_{nullptr};
  torch::nn::Conv2d convolution_{nullptr};
  SpatialInput spatial_input_;
};
TORCH_MODULE(Cbam);

}  // namespace sscvae::nn
