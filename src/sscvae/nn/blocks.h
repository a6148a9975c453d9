#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "sscvae/graph/graph.h"
#include "sscvae/kernels/norm_act.h"

/// The building blocks of the authors' backbone. Child names ("_block.1.weight") are those of their weights files.
namespace sscvae::nn {

enum class Norm { kNone, kBatch, kGroup };

/// Convolution k x k with padding k/2 that keeps the size.
torch::nn::Conv2d same_convolution(int64_t in_channels, int64_t out_channels, int64_t kernel, bool bias = true);

/// Batch or group normalisation behind one call; kNone passes through.
class ChannelNorm {
 public:
  /// Registers the layer as `name` in `parent`. `groups` is for kGroup and must divide `channels`.
  ChannelNorm(torch::nn::Module& parent, const std::string& name, Norm kind, int64_t channels, int64_t groups);
  at::Tensor operator()(const at::Tensor& x);
  /// activation(norm(x)), pooled where `form` says so (nn/norm_activation.h).
  at::Tensor activated(const at::Tensor& x, const kernels::NormActForm& form);

 private:
  torch::nn::BatchNorm2d batch_{nullptr};
  torch::nn::GroupNorm group_{nullptr};
};

/// x + conv1x1(relu(conv3x3(relu(x)))), C -> C/2 -> C, without biases. Shapes: [N,C,H,W] -> [N,C,H,W].
class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(int64_t channels);
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Conv2d narrow_{nullptr}, widen_{nullptr};
};
TORCH_MODULE(ResidualBlock);

/// max_pool2(relu(norm(conv3x3(x)))). Shapes: [N,C,H,W] -> [N,C',floor(H/2),floor(W/2)].
class DownSampleImpl : public torch::nn::Module {
 public:
  DownSampleImpl(int64_t in_channels, int64_t out_channels, Norm norm, int64_t groups);
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Conv2d convolution_{nullptr};
  std::unique_ptr<ChannelNorm> norm_;
};
TORCH_MODULE(DownSample);

/// relu(norm(conv3x3(transposed_conv2x2(x)))). Shapes: [N,C,h,w] -> [N,C',2h,2w].
class UpSampleImpl : public torch::nn::Module {
 public:
  UpSampleImpl(int64_t in_channels, int64_t out_channels, Norm norm, int64_t groups);
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::ConvTranspose2d expansion_{nullptr};
  torch::nn::Conv2d convolution_{nullptr};
  std::unique_ptr<ChannelNorm> norm_;
};
TORCH_MODULE(UpSample);

using graph::SoftmaxAxis;

/// x + mask(attention(theta(x), phi(x)) g(x)) with 1x1 convolutions C -> C/2 without biases.
/// `scaled` divides the scores by sqrt(C/2). Without gradients the HW x HW score matrix is never held whole.
/// Shapes: [N,C,H,W] -> [N,C,H,W]. Source: Wang et al. 2018, embedded Gaussian form.
class NonLocalBlockImpl : public torch::nn::Module {
 public:
  NonLocalBlockImpl(int64_t channels, SoftmaxAxis axis, bool scaled);
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) const;
  torch::nn::Conv2d theta_{nullptr}, phi_{nullptr}, g_{nullptr}, mask_{nullptr};
  SoftmaxAxis axis_;
  bool scaled_;
};
TORCH_MODULE(NonLocalBlock);

}  // namespace sscvae::nn
