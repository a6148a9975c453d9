#pragma once

#include <cstdint>

#include "sscvae/array/array.h"

namespace sscvae::kernels {

/// A weight [outs][ins][rows][columns] in whatever order of memory; strides in floats.
struct WeightView {
  const float* values;
  int64_t outs, ins, out_stride, in_stride, row_stride, column_stride;
};

inline WeightView view_of(const Array& weight) {
  return {weight.data<float>(), weight.size(0),   weight.size(1),  weight.stride(0),
          weight.stride(1),     weight.stride(2), weight.stride(3)};
}

}  // namespace sscvae::kernels
