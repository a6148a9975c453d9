#pragma once

#include <memory>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels {

/// A 3x3 convolution, stride 1, padding 1, of float32 channels-last maps by Winograd's F(4x4, 3x3): 36 instead of 144
/// multiplications for 16 results. Tiles go through all stages in cache; the last stage adds bias and residual, applies
/// the activation and, if asked, takes the maximum of 2x2 pixels, so that the map before pooling is never written.
/// The transforms cost accuracy: about 1e-5 of the largest result, measured in convolution_test.cpp.
/// Results do not depend on the number of threads. Source: Lavin & Gray 2016.
class Winograd {
 public:
  /// Shapes: weight [C',C,3,3] with any strides, C filling vectors (a multiple of 16 always does), bias [C'] or
  /// undefined; transformed and packed once.
  Winograd(const Array& weight, const Array& bias, Isa isa = best_isa());
  ~Winograd();
  Winograd(Winograd&&) noexcept;

  /// Shapes: x [N,C,H,W] channels-last -> out [N,C',H,W], or [N,C',H/2,W/2] with pooling, channels-last, written.
  /// `residual` has the shape of `out`. Errors: InternalError for other layouts.
  void run(const Array& x, const Array& out, const Epilogue& epilogue) const;

 private:
  struct Packed;
  std::unique_ptr<Packed> packed_;
};

/// The gradient of such a convolution's weight by the transposed transforms: of y = w * relu(x) or, with `input_relu`
/// false, w * x. Shapes: x [N,C,H,W] and gradient [N,C',H,W], float32 channels-last, C and C' filling vectors; the
/// result is [C',C,3,3], channels-last. Beside them it takes 36 C C' numbers and up to 64 MiB (more only where 16 tiles
/// do not fit). Results do not depend on the number of threads.
Array winograd_weight_gradient(const Array& x, const Array& gradient, bool input_relu, Isa isa = best_isa());

}  // namespace sscvae::kernels
