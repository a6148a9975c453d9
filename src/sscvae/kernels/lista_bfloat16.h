#pragma once

#include "sscvae/array/array.h"
#include "sscvae/kernels/lista_loops.h"

/// The bfloat16 inner loops of unfolded shrinkage: products of bfloat16 factors with float32 sums (those of whole
/// matrices are in bfloat16_products.h) and AVX-512 code around them. Only for processors that have AVX512_BF16.
namespace sscvae::kernels {

/// Columns of a panel: 128 where they divide `columns`, else 64 (which must).
int64_t bfloat16_panel_width(int64_t columns);

/// A float32 matrix [depth, columns] (depth even) as right factors: panel after panel, each [depth/2, width, 2].
Array pack_bfloat16(const float* matrix, int64_t stride, int64_t depth, int64_t columns);

/// to = bfloat16(from), to nearest even; [rows, columns], columns a multiple of 32.
void round_to_bfloat16(const float* from, int64_t stride, int64_t rows, int64_t columns, BFloat16* to);

/// One panel of columns of a tile of codes: `product` is [rows, width] and contiguous, the float32 pointers have rows
/// of `stride`, the bfloat16 ones rows of `half_stride`.
struct Bfloat16Panel {
  const float* product;
  int64_t rows, width, stride, half_stride;
};

/// code = S_theta(code - product + drive), and the same rounded.
void shrink_panel(const Bfloat16Panel& panel, const float* drive, const float* threshold, float* code,
                  BFloat16* rounded);

/// g = outer - product, and then as GradientStep says, for a code in bfloat16; outer rounded, too.
void gradient_panel(const Bfloat16Panel& panel, const BFloat16* code, float* outer, float* drive_gradient,
                    float* threshold_gradient, BFloat16* rounded);

/// The pairs of columns 2 i, 2 i + 1 of a matrix [rows, columns] (multiples of 8 and 32) in which a block of 8 rows has
/// a value other than zero: a list for each block, columns / 2 apart, and its length. Returns the sum of the lengths.
int64_t find_active_pairs(const BFloat16* matrix, int64_t rows, int64_t columns, int32_t* lists, int32_t* counts);

/// product [rows, width] = A B over the listed pairs of columns of A [rows, depth]; B is one panel, [depth / 2, width,
/// 2].
void multiply_active_pairs(const BFloat16* a, int64_t rows, int64_t depth, const BFloat16* panel, int64_t width,
                           const int32_t* lists, const int32_t* counts, float* product);

/// A matrix [rows, columns] (multiples of 32) becomes columns [first_row, first_row + rows) of its transpose, whose
/// rows have `stride`.
void transpose_bfloat16(const BFloat16* from, int64_t rows, int64_t columns, BFloat16* to, int64_t stride);

/// A matrix [rows, columns] becomes rows of a right factor: `to` points at them in the first panel, panels lie
/// `panel_stride` apart.
void interleave_bfloat16(const BFloat16* from, int64_t rows, int64_t columns, BFloat16* to, int64_t panel_stride);

}  // namespace sscvae::kernels
