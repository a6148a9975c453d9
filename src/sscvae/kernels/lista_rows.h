#pragma once

#include <cstdint>

/// What a tile of the tied iterations reads and writes of all positions.
namespace sscvae::kernels {

/// Positions [first, first + count).
struct TileRange {
  int64_t first, count;
};

/// Inputs of all positions; theta by strides, 0 where it is broadcast.
struct ListaInputs {
  const float* features;
  const float* threshold;
  int64_t threshold_row_stride, threshold_column_stride;
};

/// Sums over positions that a chunk of tiles adds to. Null: not wanted.
struct ListaSums {
  /// With M the sum over steps of z(t)^T gradient(v(t+1)): M, padded_rows(K) rows of atom_stride, or where the plan is
  /// factored D (M + M^T), padded_rows(d) rows of atom_stride.
  float* inhibition = nullptr;
  float* dictionary = nullptr;  ///< x^T gradient(x D), padded_rows(d) rows of atom_stride
  float* threshold = nullptr;   ///< [padded_atoms]
  double* drive_dot = nullptr;  ///< <gradient(y), y>
};

/// What the gradients of single positions come from and where they go. Null: not wanted.
struct ListaGradientRows {
  const float* code;           ///< [P,K], the result of the forward pass
  const float* code_gradient;  ///< [P,K]
  float* features = nullptr;   ///< [P,d]
  float* threshold = nullptr;  ///< [P,K], or [P,1] if `threshold_columns` is 1
  int64_t threshold_columns = 0;
};

}  // namespace sscvae::kernels
