#pragma once

#include <cstdint>

#include "sscvae/kernels/epilogue.h"

/// What happens to bfloat16 before and after products, in vectors: a file of its own, compiled for AVX512_BF16.
namespace sscvae::kernels::bfloat16 {

/// Copies `count` pixels of C channels to pixels of `depth` channels (zeros behind C), with relu or not.
void copy_pixels(const uint16_t* from, int64_t channels, uint16_t* to, int64_t depth, int64_t count, bool relu);

/// What happens to up to 16 sums of 32 channels of two neighbouring rows.
struct Finish {
  const float* bias[2][3];  ///< [row][first pixel, others, last pixel of the map] of 32 channels
  bool first_is_edge, last_is_edge;
  Act activation;
  bool pool;
  int64_t channels;             ///< of these 32 that exist
  const uint16_t* mask[2];      ///< or null; of the first pixel, per row
  const uint16_t* residual[2];  ///< the same
  void* out[2];                 ///< of the first pixel, per row; of a pooled row out[0] only
  int64_t pixel_stride;         ///< of out and residual, in elements
  bool out_float;
  int64_t count;    ///< pixels that exist
  bool second_row;  ///< does the second row exist
};
void finish(const Finish& finish, const float* sums);

/// Two pixels as pairs of their channels: for each of `blocks` x 16 channels first, second, in turn; null: zeros. Block
/// i goes to `to` + i `stride`.
void interleave(const uint16_t* first, const uint16_t* second, int64_t blocks, bool relu, uint16_t* to, int64_t stride);
/// 16 x 16 pairs in place: [pixel pair][channel] -> [channel][pixel pair].
void transpose_pairs(uint16_t* tile);

/// As the float kernels of the same names, on bfloat16; `channels` is a multiple of 16.
void channel_sums(const uint16_t* x, int64_t pixels, int64_t channels, double* sums, double* squares);
void scale_shift(const uint16_t* x, const float* scale, const float* shift, int64_t pixels, int64_t channels, Act act,
                 uint16_t* y);

}  // namespace sscvae::kernels::bfloat16
