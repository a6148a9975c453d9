#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels {

/// A 1x1 convolution of float32 channels-last maps as one matrix product, its bias, activation and residual applied
/// while the result is in cache. Results do not depend on the number of threads.
class Pointwise {
 public:
  /// Shapes: weight [C',C,1,1], bias [C'] or undefined; C must fill vectors (a multiple of 16 always does).
  Pointwise(const at::Tensor& weight, const at::Tensor& bias, Isa isa = best_isa());
  ~Pointwise();
  Pointwise(Pointwise&&) noexcept;

  /// Shapes: x [N,C,H,W] channels-last; out [N,C',H,W] with channels dense (stride 1) and images one below the other
  /// (stride(0) = H stride(2)): a phase of a larger map, for example. `residual` has the strides of `out`. No pooling.
  void run(const at::Tensor& x, at::Tensor& out, const Epilogue& epilogue) const;

 private:
  struct Packed;
  std::unique_ptr<Packed> packed_;
};

}  // namespace sscvae::kernels
