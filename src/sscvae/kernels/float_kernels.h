#pragma once

#include <cstdint>

#include "sscvae/kernels/epilogue.h"

/// The float32 inner loops of one instruction set, compiled from float_kernels.inl for each.
namespace sscvae::kernels {

/// One call of a convolution, as raw pointers.
struct WinogradCall {
  const float* x;
  float* out;
  const float* residual;  // or null
  const float* weights;   // [panels][36][C][panel width]
  const float* bias;      // [panels * panel width]
  const float* zeros;     // at least C zeros: what lies outside the map
  int64_t images, height, width, channels, out_channels;
  bool input_relu, pool;
  Act activation;
  int64_t tile_rows() const { return (height + 3) / 4; }
  int64_t tile_columns() const { return (width + 3) / 4; }
  int64_t tiles() const { return images * tile_rows() * tile_columns(); }
};

/// A 1x1 convolution of dense pixels [pixels][C]. A pixel's result goes to out + row * row_stride + column *
/// pixel_stride, its row and column those of a map that is `width` wide (images one below the other).
struct PointwiseCall {
  const float* x;
  float* out;
  const float* residual;  // with the strides of out, or null
  const float* weights;   // [panels][C][panel width]
  const float* bias;      // [panels * panel width]
  int64_t width, row_stride, pixel_stride, channels, out_channels, panels;
  bool input_relu;
  Act activation;
};

struct FloatKernels {
  int64_t lanes;         // floats of a vector
  int64_t panel;         // output channels that are multiplied at once
  int64_t block_tiles;   // tiles of a Winograd task at most
  int64_t block_pixels;  // pixels of a pointwise task
  /// Floats of scratch memory for a Winograd task of that many tiles and panels.
  int64_t (*winograd_scratch)(int64_t tiles, int64_t channels, int64_t panels);
  /// Tiles [first, last), output panels [first_panel, last_panel).
  void (*winograd)(const WinogradCall& call, int64_t first, int64_t last, int64_t first_panel, int64_t last_panel,
                   float* scratch);
  /// Pixels [first, last), at most block_pixels of them; scratch of block_pixels (C + panel) floats.
  void (*pointwise)(const PointwiseCall& call, int64_t first, int64_t last, float* scratch);
  /// y = act(scale[c] x + shift[c]) for `pixels` pixels of `channels` channels, a multiple of `lanes`.
  void (*scale_shift)(const float* x, const float* scale, const float* shift, int64_t pixels, int64_t channels, Act act,
                      float* y);
  /// Adds each channel's sum and sum of squares over the pixels; `channels` is a multiple of `lanes`, at most 1024.
  void (*channel_sums)(const float* x, int64_t pixels, int64_t channels, double* sums, double* squares);
};

const FloatKernels& float_kernels(Isa isa);

extern const FloatKernels kFloatPortable;
#ifdef SSCVAE_X86
extern const FloatKernels kFloatAvx2, kFloatAvx512;
#endif

}  // namespace sscvae::kernels
