#pragma once

#include "sscvae/array/elementwise.h"
#include "sscvae/array/maps.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/graph/operations.h"

namespace sscvae::graph {

/// What arithmetic.h needs of a kind of tensors beyond functions that all kinds have under one name (relu, mm, ...).
/// `nn` has the one for LibTorch's tensors.
template <class T>
struct Functions;

template <>
struct Functions<Array> {
  static Array zeros(const Sizes& sizes, const Array& like) { return Array::zeros(sizes, like.type()); }
  static Array identity(int64_t size, const Array& like) { return Array::identity(size, like.type()); }
  static Array mean(const Array& x, const Sizes& axes, bool keep) { return sscvae::mean(x, axes, keep); }
  static Array largest(const Array& x, const Sizes& axes, bool keep) { return amax(x, axes, keep); }
  static Array sum(const Array& x, int64_t axis) { return sscvae::sum(x, {axis}); }
  static Array smallest_place(const Array& x, int64_t axis) { return argmin(x, axis); }
  static Array rows(const Array& x, const Array& numbers) { return index_select(x, 0, numbers); }
  static Array join(const std::vector<Array>& parts, int64_t axis) { return cat(parts, axis); }
  static Array resized(const Array& x, int64_t height, int64_t width) { return upsample_bilinear2d(x, height, width); }
  static Array padded(const Array& x, int64_t before, int64_t after) { return pad(x, {before, after, before, after}); }
  static Array convolved(const Array& x, const Array& weight, const Array& bias, int64_t stride, int64_t rows,
                         int64_t columns, int64_t groups) {
    return conv2d(x, weight, bias, {{stride, stride}, {rows, columns}, groups});
  }
  static Array expanded(const Array& x, const Array& weight, const Array& bias) {
    return conv_transpose2d(x, weight, bias);
  }
  static Array largest_of_windows(const Array& x, const MaxPool& op) {
    return max_pool2d(x, {{op.side, op.side}, {op.stride, op.stride}, {op.padding, op.padding}, op.ceil});
  }
  static Array mean_of_windows(const Array& x, int64_t side) {
    return avg_pool2d(x, {{side, side}, {1, 1}, {side / 2, side / 2}, false, /*counts_padding=*/false});
  }
  static Array normalised(const Array& x, const BatchNormOf<Array>& op) {
    return batch_norm(x, op.weight, op.bias, op.mean, op.variance, op.epsilon);
  }
  static Array normalised(const Array& x, const GroupNormOf<Array>& op) {
    return group_norm(x, op.groups, op.weight, op.bias, op.epsilon);
  }
  static Array in_double(const Array& x) { return x.to(kFloat64); }
  static Array in_type_of(const Array& x, const Array& like) { return x.to(like.type()); }
  /// Columns divided by their length (at least 1e-12).
  static Array unit_columns(const Array& matrix);
  /// Of D^T D, equal to that of D D^T: a single number.
  static Array largest_eigenvalue(const Array& dictionary);
  /// Noise level of each image in 8-bit grey levels.
  static std::vector<double> noise_levels(const Array& images);
};

template <class T>
T to_rows(const T& maps) {
  return maps.permute({0, 2, 3, 1}).reshape({-1, maps.size(1)});
}

template <class T>
T to_maps(const T& rows, const T& like) {
  return rows.reshape({like.size(0), like.size(2), like.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}

/// S_theta(v), towards zero by theta.
template <class T>
T shrunk(const T& v, const T& theta) {
  return relu(abs(v) - theta) * sign(v);
}

/// Numbers of channels as a map that repeats.
template <class T>
T per_channel(const T& numbers) {
  return numbers.view({1, -1, 1, 1});
}

}  // namespace sscvae::graph
