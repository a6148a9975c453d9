#pragma once

#include <cstdint>

#include "sscvae/kernels/weight_view.h"

/// The inner loops of Winograd's F(2x2, 3x3) on AVX512_BF16: B^T d B of 4x4 inputs, products of one of the 16 numbers
/// of all tiles at a time, A^T m A. Transforms are computed in float32, their results rounded once.
namespace sscvae::kernels::bfloat16 {

constexpr int64_t kNumbers = 16;  ///< of a transformed tile

/// One image [H,W,C] bfloat16, C a multiple of 16.
struct Image {
  const uint16_t* pixels;
  const uint16_t* zeros;  ///< C of them, for pixels outside
  int64_t height, width, channels;
};

/// B^T relu(d) B or B^T d B of `count` tiles side by side whose results begin at pixel (row, column): number n of tile
/// t goes to v + n `stride` + t C.
void transform_inputs(const Image& x, int64_t row, int64_t column, int64_t count, bool relu, uint16_t* v,
                      int64_t stride);

/// C [rows][32] = A [rows][depth] B; B: pairs of rows of 32, [depth / 2][32][2].
void multiply_panel(const uint16_t* a, int64_t rows, int64_t depth, const uint16_t* b, float* c);

/// A^T m A of up to 8 tiles of 32 channels, number n of tile t at m + n `stride` + 32 t: float [2][16][32], two rows of
/// pixels.
void transform_outputs(const float* m, int64_t stride, int64_t count, float* sums);

/// G g G^T of 32 output channels from `out` on, as right factors of multiply_panel: [16][ins / 2][32][2].
void transform_weights(const WeightView& weight, int64_t out, uint16_t* packed);

/// Where one tile lies: the pixel (row, column) of an image that its results begin at; no pixels: a tile of zeros.
struct TilePlace {
  Image image;
  int64_t row, column;
};
/// For the weight's gradient, pairs of tiles as pairs of numbers: of each block of 16 channels, 16 pairs go to
/// to + n `number_stride` + block `block_stride`. Of inputs B^T d B as above; of gradients A dy A^T, 2x2 pixels.
void transform_input_pair(const TilePlace& first, const TilePlace& second, bool relu, uint16_t* to,
                          int64_t number_stride, int64_t block_stride);
void transform_gradient_pair(const TilePlace& first, const TilePlace& second, uint16_t* to, int64_t number_stride,
                             int64_t block_stride);

/// Adds W^T V for `pairs` pairs of tiles: W blocks of 16 output channels, V blocks of 16 input channels, blocks
/// [pairs][16][2] one after the other. Sums: float rows of `row` inputs for each output.
void accumulate_tiles(const uint16_t* w, int64_t w_blocks, const uint16_t* v, int64_t v_blocks, int64_t pairs,
                      float* sums, int64_t row);

/// G^T u G: float [16][number_stride] with rows of input channels -> [9][ins] of one output channel.
void transform_gradient(const float* u, int64_t number_stride, int64_t ins, float* weight);

}  // namespace sscvae::kernels::bfloat16
