#pragma once

#include "sscvae/core/variates.h"
#include "sscvae/kernels/ordered_draws.h"

/// Noise on one sample of a batch by a team of threads: the values that a loop over the sample would draw (data/
/// fast_normal.h, image/noise.h), one source for both sides.
namespace sscvae::kernels {

enum class NoiseLaw : int32_t { kNone, kGaussian, kSpeckle };

/// What happens to the values of one sample: value i gains
///   kGaussian   scale n_i, with n_i the i-th ziggurat_normal from the words of Random(stream), in float32;
///   kSpeckle    scale (log g_i - log_looks), log g_i the i-th log_gamma_variate(., looks), formed in double;
/// and is then cut to [0,1] if `clip`.
struct SampleNoise {
  uint64_t stream = 0;
  double scale = 0, looks = 0, log_looks = 0;
  NoiseLaw law = NoiseLaw::kNone;
  int32_t clip = 0;
};

inline constexpr int kNoisePositions = 512;  ///< words that a team draws from at once
using NoiseTile = DrawTile<kNoisePositions>;

/// A team in which one thread plays all members in turn.
struct NoiseTeamOfOne {
  template <class Work>
  void each(const Work& work) const {
    for (int m = 0; m < kNoisePositions; ++m) work(m);
  }
};

SSCVAE_HOST_DEVICE inline float within_unit(float value, bool clip) {
  if (!clip) return value;
  return value < 0.0F ? 0.0F : value > 1.0F ? 1.0F : value;
}

template <class Team>
SSCVAE_HOST_DEVICE void add_sample_noise(Team& team, NoiseTile& tile, const Ziggurat& ziggurat,
                                         const SampleNoise& noise, float* values, int64_t count) {
  const bool clip = noise.clip != 0;
  if (noise.law == NoiseLaw::kGaussian) {
    const float scale = static_cast<float>(noise.scale);
    draw_in_order(
        team, tile, count,
        [&](uint64_t position, int& length) {
          WordsFrom words(noise.stream, position);
          const double value = ziggurat_normal(words, ziggurat);
          length = words.taken();
          return value;
        },
        [&](int64_t i, double value) { values[i] = within_unit(values[i] + scale * static_cast<float>(value), clip); });
  } else if (noise.law == NoiseLaw::kSpeckle) {
    draw_in_order(
        team, tile, count,
        [&](uint64_t position, int& length) {
          WordsFrom words(noise.stream, position);
          const double value = log_gamma_variate(words, noise.looks);
          length = words.taken();
          return value;
        },
        [&](int64_t i, double value) {
          values[i] = within_unit(values[i] + static_cast<float>(noise.scale * (value - noise.log_looks)), clip);
        });
  } else if (clip) {
    team.each([&](int m) {
      for (int64_t i = m; i < count; i += kNoisePositions) values[i] = within_unit(values[i], true);
    });
  }
}

}  // namespace sscvae::kernels
