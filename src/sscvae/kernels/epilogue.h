#pragma once

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/kernels/act.h"
#include "sscvae/kernels/isa.h"

namespace sscvae::kernels {

/// What a convolution does with its input and result besides the convolution, in this order:
/// relu(x) -> convolution -> + bias -> activation -> 0 where the mask is not positive -> + residual -> maximum over
/// 2x2.
struct Epilogue {
  bool input_relu = false;
  Act activation = Act::kNone;
  Array mask;         ///< bfloat16 with the strides of the result, or undefined; for bfloat16 kernels, not with pooling
  Array residual;     ///< added after the activation; may be the tensor that is written
  bool pool = false;  ///< 2x2, stride 2, a last odd row or column is dropped; not with a residual
};

}  // namespace sscvae::kernels
