#pragma once

#include <cstdint>

#include "sscvae/kernels/epilogue.h"

/// The inner loops of norm_act.h for one instruction set, compiled from norm_act_loops.inl for each.
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
struct NormActLoops {
  /// first += x - centre, second += (x - centre)^2.
  void (*moments)(const NormActImage& image, int64_t band, float* sums, double* first, double* second);
  void (*forward)(const NormActImage& image, int64_t band);
  /// first += dz, second += dz (x - centre).
  void (*gradient_sums)(const NormActImage& image, int64_t band, float* sums, double* first, double* second);
  void (*backward)(const NormActImage& image, int64_t band);
};

/// For maps of float32 or bfloat16.
const NormActLoops& norm_act_loops(Isa isa, bool bfloat16);

/// [float32, bfloat16]
extern const NormActLoops kNormActPortable[2];
#ifdef SSCVAE_X86
extern const NormActLoops kNormActAvx2[2], kNormActAvx512[2];
#endif

}  // namespace sscvae::kernels
