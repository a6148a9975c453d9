#include "sscvae/nn/cbam.h"

#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>

#include "sscvae/core/shape.h"

namespace sscvae::nn {

at::Tensor cbam(const graph::Cbam& weights, const at::Tensor& maps) {
  check_shape(maps, "threshold maps", "N,K,h,w", {-1, weights.squeeze.size(1), -1, -1});
  const auto perceptron = [&](const at::Tensor& descriptor) {
    return at::linear(at::relu(at::linear(descriptor, weights.squeeze)), weights.excite);
  };
  const at::Tensor channels = at::sigmoid(perceptron(at::mean(maps, {2, 3})) + perceptron(at::amax(maps, {2, 3})));
  const at::Tensor refined = maps * channels.unsqueeze(2).unsqueeze(3);
  const at::Tensor& seen = weights.spatial_input == graph::SpatialInput::kRefined ? refined : maps;
  const at::Tensor summary = at::cat({at::mean(seen, {1}, true), at::amax(seen, {1}, true)}, 1);
  const int64_t padding = weights.convolution.size(2) / 2;
  return refined * at::sigmoid(at::conv2d(summary, weights.convolution, {}, {1, 1}, {padding, padding}));
}

}  // namespace sscvae::nn
