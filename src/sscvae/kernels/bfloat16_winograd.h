#pragma once

#include "sscvae/array/array.h"
#include "sscvae/kernels/bfloat16_output.h"
#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels {

/// A 3x3 convolution, stride 1, padding 1, of bfloat16 channels-last maps by Winograd's F(2x2, 3x3): 16 instead of 36
/// multiplications for 4 results, on AVX512_BF16. Transformed inputs and weights are rounded to bfloat16, everything
/// else is float32: errors are about twice those of products of rounded inputs and weights. Results do not depend on
/// the number of threads. Source: Lavin & Gray 2016.
class Bfloat16Winograd {
 public:
  /// Shapes: weight [C',C,3,3] float32 with any strides, C a multiple of 16; bias [C'] or undefined.
  Bfloat16Winograd(const Array& weight, const Array& bias);

  /// Shapes: x [N,C,H,W] bfloat16 channels-last; results go to `output`, made for the same epilogue.
  void run(const Array& x, const bfloat16::Output& output, const Epilogue& epilogue) const;
  int64_t channels() const { return channels_; }

 private:
  int64_t channels_, panels_;
  Array weights_;  // [panels][16][C / 2][32][2]
  Array bias_;     // [panels * 32]
};

/// The gradient of such a convolution's weight, from 16 instead of 36 multiplications: as bfloat16_weight_gradient.
Array bfloat16_winograd_weight_gradient(const Array& x, const Array& gradient, bool input_relu);

}  // namespace sscvae::kernels
