#pragma once

#include "sscvae/array/array.h"

/// Operations of convolutional networks on maps [N,C,H,W], plainly: what other code is tested against, and what runs
/// where there is no faster kernel. Results are like those of the functions of these names in PyTorch.
namespace sscvae {

struct ConvolutionForm {
  std::array<int64_t, 2> stride = {1, 1}, padding = {0, 0};
  int64_t groups = 1;
};

/// Weight [C',C/groups,kh,kw], bias [C'] or undefined. Errors: ShapeError.
Array conv2d(const Array& x, const Array& weight, const Array& bias = {}, const ConvolutionForm& form = {});
/// Weight [C,C',k,k]; stride k.
Array conv_transpose2d(const Array& x, const Array& weight, const Array& bias);

struct PoolForm {
  std::array<int64_t, 2> kernel, stride, padding = {0, 0};
  bool ceil = false;           ///< a last window that only partly covers the map counts
  bool counts_padding = true;  ///< in an average
};
Array max_pool2d(const Array& x, const PoolForm& form);
Array avg_pool2d(const Array& x, const PoolForm& form);

/// Zeros around the map; negative counts cut.
struct Border {
  int64_t left = 0, right = 0, top = 0, bottom = 0;
};
Array pad(const Array& x, const Border& border);
Array pixel_shuffle(const Array& x, int64_t factor);    ///< [N,C r^2,H,W] -> [N,C,rH,rW]
Array pixel_unshuffle(const Array& x, int64_t factor);  ///< and back
/// Corners are not aligned.
Array upsample_bilinear2d(const Array& x, int64_t height, int64_t width);
/// (x - mean) / sqrt(variance + epsilon) weight + bias, each [C].
Array batch_norm(const Array& x, const Array& weight, const Array& bias, const Array& mean, const Array& variance,
                 double epsilon);
Array group_norm(const Array& x, int64_t groups, const Array& weight, const Array& bias, double epsilon);

}  // namespace sscvae
