#include "sscvae/graph/interpreter.h"

#include <torch/types.h>

#include <array>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/kernels/group_shrink.h"

namespace sscvae::graph {

namespace {

at::Tensor to_rows(const at::Tensor& maps) { return maps.permute({0, 2, 3, 1}).reshape({-1, maps.size(1)}); }

at::Tensor to_maps(const at::Tensor& rows, const at::Tensor& like) {
  return rows.reshape({like.size(0), like.size(2), like.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}

at::Tensor shrunk(const at::Tensor& v, const at::Tensor& theta) { return at::relu(v.abs() - theta) * v.sign(); }

/// Iterations z <- shrink(z + D^T (x - D z) / L, theta) of rows, as nn::lista.
at::Tensor tied_iterations(const SparseCode& op, const at::Tensor& rows, const at::Tensor& thresholds) {
  const at::Tensor correlations = at::mm(rows, op.dictionary), filtered = correlations / op.lipschitz;
  const at::Tensor inhibition =
      at::eye(op.dictionary.size(1)) - at::mm(op.dictionary.t(), op.dictionary) / op.lipschitz;
  const bool projected = op.initial_code == InitialCode::kProjected;
  at::Tensor code = projected ? shrunk(correlations, thresholds) : at::zeros_like(correlations);
  for (int64_t i = 0; i < op.num_iterations; ++i) code = shrunk(at::addmm(filtered, code, inhibition.t()), thresholds);
  return code;
}

struct Run {
  const std::vector<at::Tensor>& inputs;
  const at::Tensor& x() const { return inputs.at(0); }

  at::Tensor operator()(const Input&) const { return x(); }
  at::Tensor operator()(const Affine& op) const {
    const at::Tensor scaled = op.scale == 1 ? x() : x() * op.scale;
    return op.shift == 0 ? scaled : scaled + op.shift;
  }
  at::Tensor operator()(const PixelShuffle& op) const { return at::pixel_shuffle(x(), op.factor); }
  at::Tensor operator()(const PixelUnshuffle& op) const { return at::pixel_unshuffle(x(), op.factor); }
  at::Tensor operator()(const Convolution& op) const { return convolve(op, x()); }
  at::Tensor operator()(const TransposedConvolution& op) const {
    return at::conv_transpose2d(x(), op.weight, op.bias, 2);
  }
  at::Tensor operator()(const ChannelAffine& op) const {
    return x() * op.scale.view({1, -1, 1, 1}) + op.shift.view({1, -1, 1, 1});
  }
  at::Tensor operator()(const BatchNorm& op) const {
    return at::batch_norm(x(), op.weight, op.bias, op.mean, op.variance, false, op.momentum, op.epsilon, false);
  }
  at::Tensor operator()(const Offset& op) const { return x() + op.offset; }
  at::Tensor operator()(const DivideBy& op) const { return x() / (op.factor * op.divisor); }
  at::Tensor operator()(const Strength&) const { return x(); }
  at::Tensor operator()(const GaussianCode&) const { return x(); }
  at::Tensor operator()(const GroupNorm& op) const {
    return at::group_norm(x(), op.groups, op.weight, op.bias, op.epsilon);
  }
  at::Tensor operator()(const RmsNorm& op) const { return x() / (x().square().mean({1}, true) + op.epsilon).sqrt(); }
  at::Tensor operator()(const Activation& op) const {
    switch (op.function) {
      case Function::kRelu:
        return at::relu(x());
      case Function::kSilu:
        return at::silu(x());
      case Function::kSigmoid:
        return at::sigmoid(x());
      case Function::kSoftplus:
        break;
    }
    return at::softplus(x());
  }
  at::Tensor operator()(const MaxPool&) const { return at::max_pool2d(x(), {2, 2}, {2, 2}); }
  at::Tensor operator()(const Add&) const { return inputs.at(0) + inputs.at(1); }
  at::Tensor operator()(const Attention& op) const {
    const auto rows = [](const at::Tensor& maps) { return maps.flatten(2).transpose(1, 2); };
    const at::Tensor scores = at::bmm(rows(inputs.at(0)), inputs.at(1).flatten(2)) * op.scale;
    const at::Tensor weights = at::softmax(scores, op.axis == SoftmaxAxis::kQueries ? 1 : 2);
    return at::bmm(weights, rows(inputs.at(2))).transpose(1, 2).reshape(inputs.at(2).sizes());
  }
  at::Tensor operator()(const Cbam& op) const {
    const auto perceptron = [&](const at::Tensor& descriptor) {
      return at::linear(at::relu(at::linear(descriptor, op.squeeze)), op.excite);
    };
    const at::Tensor channels = at::sigmoid(perceptron(x().mean({2, 3})) + perceptron(x().amax({2, 3})));
    const at::Tensor refined = x() * channels.unsqueeze(2).unsqueeze(3);
    const at::Tensor& seen = op.spatial_input == SpatialInput::kRefined ? refined : x();
    const at::Tensor summary = at::cat({seen.mean({1}, true), seen.amax({1}, true)}, 1);
    return refined * at::sigmoid(at::conv2d(summary, op.convolution, {}, 1, op.convolution.size(2) / 2));
  }
  at::Tensor operator()(const Constant& op) const {
    const bool fits = op.map.size(2) == x().size(2) && op.map.size(3) == x().size(3);
    if (fits || (op.map.size(2) == 1 && op.map.size(3) == 1)) return op.map;
    return at::upsample_bilinear2d(op.map, {x().size(2), x().size(3)}, false);
  }
  at::Tensor operator()(const SparseCode& op) const {
    const at::Tensor rows = to_rows(x()), &theta = inputs.at(1);
    const bool shared = theta.size(0) == 1 && theta.size(2) == 1 && theta.size(3) == 1;
    const at::Tensor thresholds =
        shared ? theta.reshape({1, -1}) : to_rows(theta.expand({x().size(0), theta.size(1), x().size(2), x().size(3)}));
    if (op.filters.empty()) return to_maps(tied_iterations(op, rows, thresholds), x());
    at::Tensor code = at::zeros({rows.size(0), op.dictionary.size(1)}, rows.options());
    for (int64_t i = 0; i < op.num_iterations; ++i) {
      const size_t layer = op.filters.size() == 1 ? 0 : static_cast<size_t>(i);
      code = shrunk(at::addmm(at::linear(rows, op.filters[layer]), code, op.inhibitions[layer].t()), thresholds);
    }
    return to_maps(code, x());
  }
  at::Tensor operator()(const NearestCode& op) const {
    const at::Tensor rows = to_rows(x());
    const at::Tensor distances = op.codebook.square().sum(1) - 2 * at::mm(rows, op.codebook.t());
    return to_maps(op.codebook.index_select(0, distances.argmin(1)), x());
  }
  at::Tensor operator()(const NoiseLevel& op) const {
    const int64_t height = x().size(2) / op.stride, width = x().size(3) / op.stride;
    at::Tensor sigma = at::empty({x().size(0), 1, height, width}, at::kFloat);
    for (int64_t i = 0; i < x().size(0); ++i)
      sigma[i].fill_(op.sigma ? *op.sigma : image::estimate_sigma_8bit(x()[i]) / 255);
    return sigma;
  }
  at::Tensor noise_threshold(const at::Tensor& floor, const at::Tensor& slope, const at::Tensor& sigma) const {
    return floor.view({1, -1, 1, 1}) + sigma * slope.view({1, -1, 1, 1});
  }
  at::Tensor operator()(const NoiseThreshold& op) const {
    const at::Tensor theta = noise_threshold(op.floor, op.slope, x());
    return inputs.size() > 1 ? theta * inputs[1] : theta;
  }
  at::Tensor operator()(const NoiseShrinkage& op) const {
    at::Tensor theta = noise_threshold(op.floor, op.slope, inputs.at(1));
    if (op.has_factors) theta = theta * inputs.back();
    return shrunk(op.has_previous ? x() + inputs.at(2) : x(), theta);
  }
  at::Tensor operator()(const Square&) const { return x().square(); }
  at::Tensor operator()(const GroupShrinkage& op) const {
    const at::Tensor energy = op.own.view({1, -1, 1, 1}) * x().square() + inputs.at(2) + kernels::kLeastEnergy;
    return x() * at::relu(1 - noise_threshold(op.floor, op.slope, inputs.at(1)) * at::rsqrt(energy));
  }
};

}  // namespace

at::Tensor convolve(const Convolution& op, const at::Tensor& x) {
  const std::array<int64_t, 2> stride{op.stride, op.stride}, dilation{1, 1};
  const int64_t kept = op.more_at_end == 0 ? op.padding : 0, end = op.padding + op.more_at_end;
  const std::array<int64_t, 2> padding{kept, kept};
  const at::Tensor padded = op.more_at_end == 0 ? x : at::constant_pad_nd(x, {op.padding, end, op.padding, end});
  return at::conv2d(padded, op.weight, op.bias, stride, padding, dilation, op.groups);
}

at::Tensor run_node(const Node& node, const std::vector<at::Tensor>& inputs) {
  return std::visit(Run{inputs}, node.operation);
}

std::vector<at::Tensor> run_plain(const Graph& graph, const at::Tensor& images) {
  check_shape(images, "images", "N,C,H,W", {-1, graph.in_channels, -1, -1});
  if (images.size(2) % graph.size_multiple != 0 || images.size(3) % graph.size_multiple != 0)
    throw ShapeError(
        format("images: height and width must be multiples of %lld", static_cast<long long>(graph.size_multiple)));
  std::vector<at::Tensor> values;
  for (const Node& node : graph.nodes) {
    std::vector<at::Tensor> inputs;
    for (const Value input : node.inputs) inputs.push_back(values.at(static_cast<size_t>(input)));
    if (inputs.empty()) inputs.push_back(images);
    values.push_back(run_node(node, inputs));
  }
  return values;
}

}  // namespace sscvae::graph
