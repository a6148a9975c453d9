#pragma once

#include <memory>

#include "sscvae/array/array.h"
#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels {

/// A 1x1 convolution of float32 channels-last maps as one matrix product, its bias, activation and residual applied
/// while the result is in cache. Results do not depend on the number of threads.
class Pointwise {
 public:
  /// Shapes: weight [C',C,1,1], bias [C'] or undefined; C must fill vectors (a multiple of 16 always does).
  Pointwise(const Array& weight, const Array& bias, Isa isa = best_isa());
  ~Pointwise();
  Pointwise(Pointwise&&) noexcept;

  /// Shapes: x [N,C,H,W] channels-last; out [N,C',H,W] with channels dense (stride 1) and images one below the other
  /// (stride(0) = H stride(2)): a phase of a larger map, for example. `residual` has the strides of `out`. No pooling.
  void run(const Array& x, const Array& out, const Epilogue& epilogue) const;

  /// Dense rows [rows,C] -> [rows,C'] on this thread alone; adds `residual` [rows,C'] where it is not null, which may
  /// be `out`. `scratch` holds scratch_floats() numbers.
  void run_rows(const float* x, const float* residual, int64_t rows, float* out, float* scratch) const;
  int64_t scratch_floats() const;
  /// Rows that one turn of the inner loop takes.
  int64_t rows_at_once() const;

 private:
  struct Packed;
  std::unique_ptr<Packed> packed_;
};

}  // namespace sscvae::kernels
