#pragma once

#include <cmath>
#include <cstdint>

#include "sscvae/core/host_device.h"

/// The element-wise part of a step of unfolded shrinkage on whole matrices [rows,columns], row-major without gaps.
/// One source for both sides: a thread of a GPU takes its share of the elements and the CPU takes all of them, so that
/// a machine without a GPU can test what a GPU computes.
namespace sscvae::kernels {

/// Elements from one thread to the next lie `_stride` apart. {0, 1, 0, 1} is all of them.
struct ElementShare {
  int64_t first_row, row_stride, first_column, column_stride;
};

/// Threshold (i,j) lies at i threshold_row_stride + j threshold_column_stride; a stride is 0 where all share it.
struct MatrixShape {
  int64_t rows, columns, threshold_row_stride, threshold_column_stride;
};

/// code = S_theta(product + drive). `product` may be null (zero) or `code` itself.
struct MatrixShrinkStep {
  const float *product, *drive, *threshold;
  float* code;
};

/// Backwards with g = `gradient`, that of `code`: outer = g where code != 0; drive_gradient += outer;
/// threshold_gradient -= g sign(code). The last two may be null. All of them have the shape of the code.
struct MatrixGradientStep {
  const float *code, *gradient;
  float *outer, *drive_gradient, *threshold_gradient;
};

/// sign(v) max(|v| - theta, 0), as nn/soft_threshold.h says; NaN of either one passes through.
SSCVAE_HOST_DEVICE inline float shrunk(float v, float theta) {
  const float magnitude = ::fabsf(v) - theta;
  return magnitude <= 0.0F || (v == 0.0F && theta == theta) ? 0.0F : ::copysignf(magnitude, v);
}

SSCVAE_HOST_DEVICE inline void run_share(const MatrixShape& shape, const MatrixShrinkStep& step,
                                         const ElementShare& share) {
  for (int64_t row = share.first_row; row < shape.rows; row += share.row_stride) {
    const float* threshold = step.threshold + row * shape.threshold_row_stride;
    for (int64_t column = share.first_column; column < shape.columns; column += share.column_stride) {
      const int64_t i = row * shape.columns + column;
      const float v = step.product == nullptr ? step.drive[i] : step.product[i] + step.drive[i];
      step.code[i] = shrunk(v, threshold[column * shape.threshold_column_stride]);
    }
  }
}

SSCVAE_HOST_DEVICE inline void run_share(const MatrixShape& shape, const MatrixGradientStep& step,
                                         const ElementShare& share) {
  for (int64_t row = share.first_row; row < shape.rows; row += share.row_stride)
    for (int64_t column = share.first_column; column < shape.columns; column += share.column_stride) {
      const int64_t i = row * shape.columns + column;
      const float code = step.code[i], outer = code == 0.0F ? 0.0F : step.gradient[i];
      step.outer[i] = outer;
      if (step.drive_gradient != nullptr) step.drive_gradient[i] += outer;
      if (step.threshold_gradient != nullptr) step.threshold_gradient[i] -= code < 0.0F ? -outer : outer;
    }
}

}  // namespace sscvae::kernels
