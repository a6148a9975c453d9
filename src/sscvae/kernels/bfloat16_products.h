#pragma once

#include <cstdint>

#include "sscvae/kernels/bfloat16_unit.h"

/// Products of bfloat16 in cache, by tiles or by vectors, from the same packed factors.
namespace sscvae::kernels::bfloat16 {

/// One step of a convolution in cache. A: bfloat16 [rows][columns][depth], one pixel after the other; B: packed panels
/// of 32 output channels, [depth / 32][taps][2][16][32] each.
struct Product {
  const uint16_t* a;
  int64_t pitch;                  ///< pixels of a row of A
  int64_t depth;                  ///< channels of A, a multiple of 32
  int64_t tap_rows, tap_columns;  ///< the window that is read from a pixel on
  const uint16_t* b;              ///< of one panel
};

/// Sums over pixels of products of channels: A tiles [block of 16 channels][row][step] of 16 channels x 32 pixels, B
/// rows of pairs of pixels x 16 channels, 16 of them for each step. Distances in numbers.
struct PixelProduct {
  const uint16_t *a, *b;
  int64_t rows, steps;
  int64_t a_row, a_block, b_row, b_block;
  bool second_b;  ///< is there a second block of B?
};

/// A whole product [rows][columns] of A [rows][depth] and B, rows of pairs [depth / 2][columns][2]; sizes are multiples
/// of 32. Rows of A lie `a_stride` numbers apart, rows of pairs of B `b_stride` pairs.
struct MatrixProduct {
  const uint16_t *a, *b;
  int64_t rows, columns, depth, a_stride, b_stride;
};

struct Products {
  /// Sets this thread up for the functions below, and puts it back.
  void (*configure)();
  void (*release)();
  /// Results of 2 rows x 16 pixels x 32 channels from pixel (row, column) of A on: float [2][16][32].
  void (*multiply)(const Product& product, int64_t row, int64_t column, float* sums);
  /// Adds to float [2][2][16][16]: two blocks of A by two of B.
  void (*accumulate)(const PixelProduct& product, float* sums);
  /// result = A B, or result += A B; rows of the result `stride` floats apart.
  void (*multiply_matrices)(const MatrixProduct& product, float* result, int64_t stride, bool add);
};

/// Of that unit, which this machine has.
const Products& products(Bfloat16Unit unit);

extern const Products kAvx512Products, kAmxProducts;

}  // namespace sscvae::kernels::bfloat16
