#include "sscvae/nn/cbam.h"

#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>

#include <algorithm>

#include "sscvae/core/shape.h"

namespace sscvae::nn {

namespace {
struct GroupImpl : torch::nn::Module {};
}  // namespace

CbamImpl::CbamImpl(int64_t channels, int64_t reduction, int64_t kernel, SpatialInput spatial_input)
    : spatial_input_(spatial_input) {
  const int64_t hidden = std::max<int64_t>(1, channels / reduction);
  auto channel = register_module("ChannelAtt", std::make_shared<GroupImpl>());
  auto perceptron = channel->register_module("_fc", std::make_shared<GroupImpl>());
  const auto linear = [](int64_t in, int64_t out) {
    return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
  };
  squeeze_ = perceptron->register_module("0", linear(channels, hidden));
  excite_ = perceptron->register_module("2", linear(hidden, channels));
  auto spatial = register_module("SpatialAtt", std::make_shared<GroupImpl>());
  convolution_ = spatial->register_module(
      "_conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 1, kernel).padding(kernel / 2).bias(false)));
}

at::Tensor CbamImpl::channel_attention(const at::Tensor& maps) {
  const auto perceptron = [this](const at::Tensor& descriptor) {
    return excite_->forward(at::relu(squeeze_->forward(descriptor)));
  };
  const at::Tensor weights = at::sigmoid(perceptron(at::mean(maps, {2, 3})) + perceptron(at::amax(maps, {2, 3})));
  return maps * weights.unsqueeze(2).unsqueeze(3);
}

at::Tensor CbamImpl::spatial_weights(const at::Tensor& maps) {
  return at::sigmoid(convolution_->forward(at::cat({at::mean(maps, {1}, true), at::amax(maps, {1}, true)}, 1)));
}

at::Tensor CbamImpl::forward(const at::Tensor& maps) {
  check_shape(maps, "threshold maps", "N,K,h,w", {-1, squeeze_->options.in_features(), -1, -1});
  const at::Tensor refined = channel_attention(maps);
  return refined * spatial_weights(spatial_input_ == SpatialInput::kRefined ? refined : maps);
}

}  // namespace sscvae::nn
