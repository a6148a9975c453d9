#pragma once

#include <cstdint>

#include "sscvae/kernels/act.h"
#include "sscvae/kernels/simd/loops_of_sets.h"
#include "sscvae/kernels/weight_view.h"

/// The inner loops of float32 convolutions.
namespace sscvae::kernels {

/// A map [images][height][width][channels], cut into tiles of 4x4 pixels.
struct TiledMap {
  const float* pixels;
  const float* zeros;  // at least `channels` of them: what lies outside
  int64_t images, height, width, channels;
  int64_t tile_rows() const { return (height + 3) / 4; }
  int64_t tile_columns() const { return (width + 3) / 4; }
  int64_t tiles() const { return images * tile_rows() * tile_columns(); }
};

/// One call of a convolution. Its weights are packed in panels of output channels o, so that a product reads them in
/// the order of memory; n are the 36 numbers of a transformed tile, c the input channels, P the panel's width:
///
///   panel 0: n = 0:  c = 0: o = 0 ... P-1 | c = 1: o = 0 ... P-1 | ...
///            n = 1:  c = 0: o = 0 ... P-1 | ...
///            ...
///   panel 1: n = 0:  c = 0: o = P ... 2P-1 | ...
struct WinogradCall {
  TiledMap x;
  float* out;
  const float* residual;  // or null
  const float* weights;   // [panels][36][C][panel width]
  const float* bias;      // [panels * panel width]
  int64_t out_channels;
  bool input_relu, pool;
  Act activation;
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

struct ConvolutionLoops {
  int64_t lanes;         // floats of a vector
  int64_t panel;         // output channels that are multiplied at once
  int64_t block_tiles;   // tiles of a Winograd task at most
  int64_t block_pixels;  // pixels of a pointwise task
  /// Floats of scratch memory for a Winograd task of that many tiles and panels.
  int64_t (*winograd_scratch)(int64_t tiles, int64_t channels, int64_t panels);
  /// Tiles [first, last), output panels [first_panel, last_panel).
  void (*winograd)(const WinogradCall& call, int64_t first, int64_t last, int64_t first_panel, int64_t last_panel,
                   float* scratch);
  /// Weights of `panel` output channels from `out` on: [36][C][panel].
  void (*transform_weights)(const WeightView& weight, int64_t out, float* packed);
  /// The 36 numbers of a tile of inputs, of their gradient's tile of 4x4 results: [36][channels], a panel of channels
  /// `panel_stride` floats from the next.
  void (*transform_input)(const TiledMap& x, int64_t tile, bool relu, float* v, int64_t stride, int64_t panel_stride);
  void (*transform_gradient)(const TiledMap& dy, int64_t tile, float* w, int64_t stride, int64_t panel_stride);
  /// sums[out][in] += w[out panel][tile][panel]^T v[in panel][tile][panel]; rows of sums `stride` apart.
  void (*accumulate_tiles)(const float* w, int64_t w_panels, const float* v, int64_t v_panels, int64_t tiles,
                           float* sums, int64_t stride);
  /// [36][C] of one output channel, `stride` from number to number, -> its gradient [3][3][C].
  void (*transform_sums)(const float* sums, int64_t stride, int64_t channels, float* gradient);
  /// Pixels [first, last), at most block_pixels of them; scratch of block_pixels (C + panel) floats.
  void (*pointwise)(const PointwiseCall& call, int64_t first, int64_t last, float* scratch);
  /// out[rows][panels][panel] = x[rows][depth] weights[panels][depth][panel], plus `added`, of the shape of `out`,
  /// where it is not null; it may be `out`.
  void (*multiply_dense)(const float* x, int64_t rows, int64_t depth, const float* weights, int64_t panels,
                         const float* added, float* out);
};

SSCVAE_LOOPS(ConvolutionLoops, convolution_loops)

}  // namespace sscvae::kernels
