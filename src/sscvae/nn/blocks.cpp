#include "sscvae/nn/blocks.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/norm_activation.h"

namespace sscvae::nn {

namespace {

/// A module that only holds children under numbers, as nn.Sequential does where some entries have no parameters.
struct NumberedImpl : torch::nn::Module {};

torch::nn::Module& register_numbered(torch::nn::Module& parent) {
  return *parent.register_module("_block", std::make_shared<NumberedImpl>());
}

}  // namespace

torch::nn::Conv2d same_convolution(int64_t in_channels, int64_t out_channels, int64_t kernel, bool bias) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels, out_channels, kernel).padding(kernel / 2).bias(bias));
}

ChannelNorm::ChannelNorm(torch::nn::Module& parent, const std::string& name, Norm kind, int64_t channels,
                         int64_t groups) {
  if (kind == Norm::kBatch) {
    batch_ = parent.register_module(name, torch::nn::BatchNorm2d(channels));
  } else if (kind == Norm::kGroup) {
    if (groups < 1 || channels % groups != 0)
      throw UsageError(format("group normalisation: %lld channels are not divisible into %lld groups",
                              static_cast<long long>(channels), static_cast<long long>(groups)));
    group_ = parent.register_module(name, torch::nn::GroupNorm(groups, channels));
  }
}

at::Tensor ChannelNorm::operator()(const at::Tensor& x) {
  if (batch_) return batch_->forward(x);
  return group_ ? group_->forward(x) : x;
}

at::Tensor ChannelNorm::activated(const at::Tensor& x, const kernels::NormActForm& form) {
  if (batch_) return norm_activation(batch_, x, form);
  return group_ ? norm_activation(group_, x, form) : plain_activation(x, form);
}

ResidualBlockImpl::ResidualBlockImpl(int64_t channels) {
  auto& block = register_numbered(*this);
  narrow_ = block.register_module("1", same_convolution(channels, channels / 2, 3, false));
  widen_ = block.register_module("3", same_convolution(channels / 2, channels, 1, false));
}

at::Tensor ResidualBlockImpl::forward(const at::Tensor& x) { return residual_convolutions(narrow_, widen_, x); }

DownSampleImpl::DownSampleImpl(int64_t in_channels, int64_t out_channels, Norm norm, int64_t groups) {
  auto& block = register_numbered(*this);
  convolution_ = block.register_module("0", same_convolution(in_channels, out_channels, 3));
  norm_ = std::make_unique<ChannelNorm>(block, "1", norm, out_channels, groups);
}

at::Tensor DownSampleImpl::forward(const at::Tensor& x) {
  return norm_->activated(convolve(convolution_, x), {kernels::Act::kRelu, true});
}

UpSampleImpl::UpSampleImpl(int64_t in_channels, int64_t out_channels, Norm norm, int64_t groups) {
  auto& block = register_numbered(*this);
  expansion_ = block.register_module(
      "0", torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(in_channels, out_channels, 2).stride(2)));
  convolution_ = block.register_module("1", same_convolution(out_channels, out_channels, 3));
  norm_ = std::make_unique<ChannelNorm>(block, "2", norm, out_channels, groups);
}

at::Tensor UpSampleImpl::forward(const at::Tensor& x) {
  return norm_->activated(convolve(convolution_, expand(expansion_, x)), {kernels::Act::kRelu});
}

NonLocalBlockImpl::NonLocalBlockImpl(int64_t channels, SoftmaxAxis axis, bool scaled) : axis_(axis), scaled_(scaled) {
  const auto projection = [](int64_t in, int64_t out) { return same_convolution(in, out, 1, false); };
  theta_ = register_module("_conv_theta", projection(channels, channels / 2));
  phi_ = register_module("_conv_phi", projection(channels, channels / 2));
  g_ = register_module("_conv_g", projection(channels, channels / 2));
  mask_ = register_module("_conv_mask", projection(channels / 2, channels));
}

/// All arguments [N,P,c]; the result is [N,P,c].
at::Tensor NonLocalBlockImpl::attend(const at::Tensor& queries, const at::Tensor& keys,
                                     const at::Tensor& values) const {
  const double scale = scaled_ ? 1.0 / std::sqrt(static_cast<double>(queries.size(2))) : 1.0;
  constexpr int64_t kChunk = 1024;
  const int64_t positions = queries.size(1);
  if (at::GradMode::is_enabled() || positions <= kChunk) {
    const at::Tensor scores = at::bmm(queries, keys.transpose(1, 2)) * scale;
    return at::bmm(at::softmax(scores, axis_ == SoftmaxAxis::kQueries ? 1 : 2), values);
  }
  if (axis_ == SoftmaxAxis::kKeys) {
    return at::scaled_dot_product_attention(queries.unsqueeze(1), keys.unsqueeze(1), values.unsqueeze(1), {}, 0.0,
                                            false, scale)
        .squeeze(1);
  }
  // Each key's weights are a softmax over the queries: keys can be taken a chunk at a time and summed.
  at::Tensor result = at::zeros_like(values);
  for (int64_t begin = 0; begin < positions; begin += kChunk) {
    const int64_t count = std::min(kChunk, positions - begin);
    const at::Tensor scores = at::bmm(queries, keys.narrow(1, begin, count).transpose(1, 2)) * scale;
    result += at::bmm(at::softmax(scores, 1), values.narrow(1, begin, count));
  }
  return result;
}

at::Tensor NonLocalBlockImpl::forward(const at::Tensor& x) {
  const int64_t height = x.size(2), width = x.size(3);
  const auto rows = [](const at::Tensor& maps) { return maps.flatten(2).transpose(1, 2); };
  const at::Tensor attended = attend(rows(convolve(theta_, x)), rows(convolve(phi_, x)), rows(convolve(g_, x)));
  const at::Tensor maps = attended.transpose(1, 2).reshape({x.size(0), -1, height, width});
  return x + convolve(mask_, maps);
}

}  // namespace sscvae::nn
