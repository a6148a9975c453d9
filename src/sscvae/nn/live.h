#pragma once

#include <torch/types.h>

#include "sscvae/graph/functions.h"
#include "sscvae/graph/graph.h"
#include "sscvae/nn/arrays.h"

/// Networks whose weights are LibTorch's tensors, with gradients.
namespace sscvae::nn::live {

using Graph = graph::GraphOf<at::Tensor>;
using Node = graph::NodeOf<at::Tensor>;
using Operation = graph::OperationOf<at::Tensor>;
using Convolution = graph::ConvolutionOf<at::Tensor>;
using TransposedConvolution = graph::TransposedConvolutionOf<at::Tensor>;
using BatchNorm = graph::BatchNormOf<at::Tensor>;
using GroupNorm = graph::GroupNormOf<at::Tensor>;
using Cbam = graph::CbamOf<at::Tensor>;
using Constant = graph::ConstantOf<at::Tensor>;
using Offset = graph::OffsetOf<at::Tensor>;
using DivideBy = graph::DivideByOf<at::Tensor>;
using SparseCode = graph::SparseCodeOf<at::Tensor>;
using NearestCode = graph::NearestCodeOf<at::Tensor>;
using NoiseShrinkage = graph::NoiseShrinkageOf<at::Tensor>;
using GroupShrinkage = graph::GroupShrinkageOf<at::Tensor>;

}  // namespace sscvae::nn::live

namespace sscvae::graph {

template <>
struct Functions<at::Tensor> {
  using Tensor = at::Tensor;
  static Tensor zeros(at::IntArrayRef sizes, const Tensor& like) { return at::zeros(sizes, like.options()); }
  static Tensor identity(int64_t size, const Tensor& like) { return at::eye(size, like.options()); }
  static Tensor mean(const Tensor& x, at::IntArrayRef axes, bool keep) { return at::mean(x, axes, keep); }
  static Tensor largest(const Tensor& x, at::IntArrayRef axes, bool keep) { return at::amax(x, axes, keep); }
  static Tensor sum(const Tensor& x, int64_t axis) { return at::sum(x, axis); }
  static Tensor smallest_place(const Tensor& x, int64_t axis) { return at::argmin(x, axis); }
  static Tensor rows(const Tensor& x, const Tensor& numbers) { return at::index_select(x, 0, numbers); }
  static Tensor join(const std::vector<Tensor>& parts, int64_t axis) { return at::cat(parts, axis); }
  static Tensor resized(const Tensor& x, int64_t height, int64_t width) {
    return at::upsample_bilinear2d(x, {height, width}, false);
  }
  static Tensor padded(const Tensor& x, int64_t before, int64_t after) {
    return at::constant_pad_nd(x, {before, after, before, after});
  }
  static Tensor convolved(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride, int64_t rows,
                          int64_t columns, int64_t groups) {
    const std::array<int64_t, 2> strides{stride, stride}, paddings{rows, columns}, dilation{1, 1};
    return at::conv2d(x, weight, bias, strides, paddings, dilation, groups);
  }
  static Tensor expanded(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return at::conv_transpose2d(x, weight, bias, 2);
  }
  static Tensor largest_of_windows(const Tensor& x, const MaxPool& op) {
    const std::array<int64_t, 2> side{op.side, op.side}, stride{op.stride, op.stride}, padding{op.padding, op.padding};
    return at::max_pool2d(x, side, stride, padding, 1, op.ceil);
  }
  static Tensor mean_of_windows(const Tensor& x, int64_t side) {
    return at::avg_pool2d(x, side, 1, side / 2, false, /*count_include_pad=*/false);
  }
  static Tensor normalised(const Tensor& x, const BatchNormOf<Tensor>& op) {
    return at::batch_norm(x, op.weight, op.bias, op.mean, op.variance, false, op.momentum, op.epsilon, false);
  }
  static Tensor normalised(const Tensor& x, const GroupNormOf<Tensor>& op) {
    return at::group_norm(x, op.groups, op.weight, op.bias, op.epsilon);
  }
  static Tensor in_double(const Tensor& x) { return x.to(at::kDouble); }
  static Tensor in_type_of(const Tensor& x, const Tensor& like) { return x.to(like.scalar_type()); }
  static Tensor unit_columns(const Tensor& matrix);
  static Tensor largest_eigenvalue(const Tensor& dictionary);
  static std::vector<double> noise_levels(const Tensor& images);
};

}  // namespace sscvae::graph
