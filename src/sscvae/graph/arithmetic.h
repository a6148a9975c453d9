#pragma once

#include <vector>

#include "sscvae/graph/functions.h"
#include "sscvae/graph/graph.h"
#include "sscvae/kernels/group_shrink.h"

/// The arithmetic of operations, once for all kinds of tensors: arrays, and in training LibTorch's with gradients.
namespace sscvae::graph {

/// Of an input in the weight's precision.
template <class T>
T convolve(const ConvolutionOf<T>& op, const T& x) {
  using F = Functions<T>;
  const int64_t rows = op.padding, columns = op.side_padding();
  if (op.more_at_end == 0) return F::convolved(x, op.weight, op.bias, op.stride, rows, columns, op.groups);
  return F::convolved(F::padded(x, rows, rows + op.more_at_end), op.weight, op.bias, op.stride, 0, 0, op.groups);
}

/// The numbers of the nearest rows of a codebook at each position, [N h w].
template <class T>
T nearest_numbers(const NearestCodeOf<T>& op, const T& x) {
  using F = Functions<T>;
  const T distances = F::sum(square(op.codebook), 1) - 2 * mm(to_rows(x), op.codebook.t());
  return F::smallest_place(distances, 1);
}

/// One operation on its inputs, as its declaration says, in their precision.
template <class T>
struct Evaluate {
  using F = Functions<T>;
  const std::vector<T>& inputs;
  const T& x() const { return inputs.at(0); }

  T operator()(const Input&) const { return x(); }
  T operator()(const Affine& op) const {
    const T scaled = op.scale == 1 ? x() : x() * op.scale;
    return op.shift == 0 ? scaled : scaled + op.shift;
  }
  T operator()(const PixelShuffle& op) const { return pixel_shuffle(x(), op.factor); }
  T operator()(const PixelUnshuffle& op) const { return pixel_unshuffle(x(), op.factor); }
  T operator()(const ConvolutionOf<T>& op) const { return convolve(op, x()); }
  T operator()(const TransposedConvolutionOf<T>& op) const { return F::expanded(x(), op.weight, op.bias); }
  T operator()(const ChannelAffineOf<T>& op) const { return x() * per_channel(op.scale) + per_channel(op.shift); }
  T operator()(const BatchNormOf<T>& op) const { return F::normalised(x(), op); }
  T operator()(const OffsetOf<T>& op) const { return x() + op.offset; }
  T operator()(const DivideByOf<T>& op) const { return x() / (op.factor * op.divisor); }
  T operator()(const Strength&) const { return x(); }
  T operator()(const GaussianCode&) const { return x(); }
  T operator()(const GroupNormOf<T>& op) const { return F::normalised(x(), op); }
  T operator()(const RmsNorm& op) const { return x() / sqrt(F::mean(square(x()), {1}, true) + op.epsilon); }
  T operator()(const Activation& op) const {
    switch (op.function) {
      case Function::kRelu:
        return relu(x());
      case Function::kSilu:
        return silu(x());
      case Function::kSigmoid:
        return sigmoid(x());
      case Function::kSoftplus:
        break;
    }
    return softplus(x());
  }
  T operator()(const MaxPool& op) const { return F::largest_of_windows(x(), op); }
  T operator()(const MeanPool& op) const { return F::mean_of_windows(x(), op.side); }
  T operator()(const Join&) const { return F::join(inputs, 1); }
  T operator()(const Add&) const { return inputs.at(0) + inputs.at(1); }
  T operator()(const Attention& op) const {
    const auto rows = [](const T& maps) { return maps.flatten(2).transpose(1, 2); };
    const T scores = bmm(rows(inputs.at(0)), inputs.at(1).flatten(2)) * op.scale;
    const T weights = softmax(scores, op.axis == SoftmaxAxis::kQueries ? 1 : 2);
    return bmm(weights, rows(inputs.at(2))).transpose(1, 2).reshape(inputs.at(2).sizes());
  }
  T operator()(const CbamOf<T>& op) const {
    const auto perceptron = [&](const T& descriptor) {
      return linear(relu(linear(descriptor, op.squeeze)), op.excite);
    };
    const T channels = sigmoid(perceptron(F::mean(x(), {2, 3}, false)) + perceptron(F::largest(x(), {2, 3}, false)));
    const T refined = x() * channels.unsqueeze(2).unsqueeze(3);
    const T& seen = op.spatial_input == SpatialInput::kRefined ? refined : x();
    const T summary = F::join({F::mean(seen, {1}, true), F::largest(seen, {1}, true)}, 1);
    return refined * sigmoid(F::convolved(summary, op.convolution, {}, 1, op.convolution.size(2) / 2,
                                          op.convolution.size(2) / 2, 1));
  }
  T operator()(const ConstantOf<T>& op) const {
    const bool fits = op.map.size(2) == x().size(2) && op.map.size(3) == x().size(3);
    if (fits || (op.map.size(2) == 1 && op.map.size(3) == 1)) return op.map;
    return F::resized(op.map, x().size(2), x().size(3));
  }
  T operator()(const SparseCodeOf<T>& op) const {
    const T rows = to_rows(x()), &theta = inputs.at(1);
    const bool shared = theta.size(0) == 1 && theta.size(2) == 1 && theta.size(3) == 1;
    const T thresholds =
        shared ? theta.reshape({1, -1}) : to_rows(theta.expand({x().size(0), theta.size(1), x().size(2), x().size(3)}));
    if (op.filters.empty()) return to_maps(tied_iterations(op, rows, thresholds), x());
    T code = F::zeros({rows.size(0), op.dictionary.size(1)}, rows);
    for (int64_t i = 0; i < op.num_iterations; ++i) {
      const size_t layer = op.filters.size() == 1 ? 0 : static_cast<size_t>(i);
      code = shrunk(addmm(linear(rows, op.filters[layer]), code, op.inhibitions[layer].t()), thresholds);
    }
    return to_maps(code, x());
  }
  T operator()(const NearestCodeOf<T>& op) const {
    return to_maps(F::rows(op.codebook, nearest_numbers(op, x())), x());
  }
  T operator()(const NoiseLevel& op) const {
    const T sigma = F::zeros({x().size(0), 1, x().size(2) / op.stride, x().size(3) / op.stride}, x());
    const std::vector<double> estimated = op.sigma ? std::vector<double>() : F::noise_levels(x());
    for (int64_t i = 0; i < x().size(0); ++i)
      sigma.select(0, i).fill_(op.sigma ? *op.sigma : estimated[static_cast<size_t>(i)] / 255);
    return sigma;
  }
  T operator()(const NoiseThresholdOf<T>& op) const {
    const T theta = noise_threshold(op.floor, op.slope, x());
    return inputs.size() > 1 ? theta * inputs[1] : theta;
  }
  T operator()(const NoiseShrinkageOf<T>& op) const {
    T theta = noise_threshold(op.floor, op.slope, inputs.at(1));
    if (op.has_factors) theta = theta * inputs.back();
    return shrunk<T>(op.has_previous ? x() + inputs.at(2) : x(), theta);
  }
  T operator()(const Square&) const { return square(x()); }
  T operator()(const GroupShrinkageOf<T>& op) const {
    const T energy = per_channel(op.own) * square(x()) + inputs.at(2) + kernels::kLeastEnergy;
    return x() * relu(1 - noise_threshold(op.floor, op.slope, inputs.at(1)) * rsqrt(energy));
  }

 private:
  T noise_threshold(const T& floor, const T& slope, const T& sigma) const {
    return per_channel(floor) + sigma * per_channel(slope);
  }
  /// Iterations z <- shrink(z + D^T (x - D z) / L, theta) of rows, as nn::lista.
  T tied_iterations(const SparseCodeOf<T>& op, const T& rows, const T& thresholds) const {
    const T correlations = mm(rows, op.dictionary), filtered = correlations / op.lipschitz;
    const T inhibition = F::identity(op.dictionary.size(1), rows) - mm(op.dictionary.t(), op.dictionary) / op.lipschitz;
    T code = op.initial_code == InitialCode::kProjected ? shrunk(correlations, thresholds)
                                                        : F::zeros(correlations.sizes(), rows);
    for (int64_t i = 0; i < op.num_iterations; ++i) code = shrunk(addmm(filtered, code, inhibition.t()), thresholds);
    return code;
  }
};

}  // namespace sscvae::graph
