#pragma once

#include <cstdint>

#include "sscvae/kernels/simd/loops_of_sets.h"

/// The float32 inner loops of unfolded shrinkage on one tile of positions. Plain pointers:
/// who calls them owns the layout, which is row-major with one stride for all matrices of a call.
namespace sscvae::kernels {

enum class Left { kPlain, kTransposed };

/// A B with A [rows, depth] and B [depth, panels * panel_width]. A has rows of `a_stride`, or is the transpose of a
/// matrix [depth, rows] that has. Columns of one panel of B lie side by side. Rows are taken in blocks: A must be
/// readable, and the result writable, up to the next multiple of `row_block`. With `active` (plain A only) a block of
/// rows meets only the columns of A in its list: those of find_active leave out what is zero in all its rows, which
/// changes no bit of the result.
struct Product {
  Left left;
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t b_panel_stride, b_depth_stride;
  int64_t rows, depth, panels;
  const int32_t* active = nullptr;  ///< lists [row blocks, depth]
  const int32_t* active_counts = nullptr;
};

/// What a step of the iterations does to each element: code = S_theta(product + drive).
struct ShrinkStep {
  const float* drive;  ///< x D / L, or z(t) where a plan is factored
  const float* threshold;
  float* code;
};

/// What a step backwards does to each element with g, the gradient of `code`: through the shrinkage it becomes
/// outer = g where code != 0; drive_gradient += outer; threshold_gradient -= g sign(code) (left out if null).
struct GradientStep {
  const float* code;
  float* outer;
  float* drive_gradient;
  float* threshold_gradient;
  const float* added = nullptr;  ///< of gradient_step alone: g = A B + added
};

struct ListaLoops {
  int64_t panel_width, row_block;
  /// The columns of a row-major A [rows, depth] in which a block of rows has a value other than zero: a list for each
  /// block, `depth` apart, and its length. A must be readable up to the next multiples of row_block and 16. Returns the
  /// sum of the lengths.
  int64_t (*find_active)(const float* a, int64_t stride, int64_t rows, int64_t depth, int32_t* lists, int32_t* counts);
  /// result = A B, or result += A B.
  void (*multiply)(const Product& product, float* result, int64_t stride, bool accumulate);
  /// code = S_theta(A B + drive).
  void (*shrink_step)(const Product& product, const ShrinkStep& step, int64_t stride);
  /// g = A B (+ added), and then as GradientStep says.
  void (*gradient_step)(const Product& product, const GradientStep& step, int64_t stride);
  /// code = S_theta(v) for `count` values, a multiple of 16.
  void (*shrink)(const float* v, const float* threshold, float* code, int64_t count);
  /// As GradientStep says, for `count` values of g, a multiple of 16.
  void (*mask_gradient)(const float* g, const GradientStep& step, int64_t count);
  /// result = factor v + added for `count` values, a multiple of 16; `added` may be null.
  void (*scale)(float factor, const float* v, const float* added, float* result, int64_t count);
};

SSCVAE_LOOPS(ListaLoops, lista_loops)

}  // namespace sscvae::kernels
