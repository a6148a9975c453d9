#pragma once

#include <cstdint>

#include "sscvae/kernels/act.h"
#include "sscvae/kernels/simd/loops_of_sets.h"

/// The inner loops of norm_act.h and group_norm.h.
namespace sscvae::kernels {

/// One image of a channels-last map, its affine form per channel and what follows it. With `pool` a band is two rows (a
/// last odd row is a band of its own), otherwise one row.
struct NormActImage {
  const void* x;         ///< [height][width][channels]
  const void* gradient;  ///< of the result, in its shape
  void* out;             ///< the result, or the gradient of x
  int64_t height, width, channels;
  const float *scale, *shift;                     ///< [channels]: z = scale x + shift
  const float *centre, *gain, *slope, *constant;  ///< [channels]: dx = gain dz + slope (x - centre) + constant
  Act activation;
  bool pool;
  int64_t bands() const { return pool ? (height + 1) / 2 : height; }
};

/// Each function treats one band; `sums` are float [2][channels] of working memory, `first` and `second` [channels] are
/// added to. `channels` is a multiple of 16.
struct BandLoops {
  /// first += x - centre, second += (x - centre)^2.
  void (*moments)(const NormActImage& image, int64_t band, float* sums, double* first, double* second);
  void (*forward)(const NormActImage& image, int64_t band);
  /// first += dz, second += dz (x - centre).
  void (*gradient_sums)(const NormActImage& image, int64_t band, float* sums, double* first, double* second);
  void (*backward)(const NormActImage& image, int64_t band);
};

struct NormActLoops {
  BandLoops float32, bfloat16;  ///< by the type of the maps
  /// y = act(scale[c] x + shift[c]) for `pixels` pixels of `channels` channels, a multiple of 16.
  void (*scale_shift)(const float* x, const float* scale, const float* shift, int64_t pixels, int64_t channels, Act act,
                      float* y);
  /// Adds each channel's sum and sum of squares over the pixels; `channels` is a multiple of 16.
  void (*channel_sums)(const float* x, int64_t pixels, int64_t channels, double* sums, double* squares);
};

SSCVAE_LOOPS(NormActLoops, norm_act_loops)

}  // namespace sscvae::kernels
