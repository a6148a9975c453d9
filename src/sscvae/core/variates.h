#pragma once

#include <cmath>
#include <cstdint>

#include "sscvae/core/host_device.h"

/// Random variates from a stream of 64-bit words, one source for CPU and GPU. `Words` has next() and uniform(): Random
/// (core/random.h), or WordsFrom where a thread of a GPU starts anywhere in the stream. A variate takes as many words
/// as its rejections ask for, so where one begins depends on all before it: kernels/ordered_draws.h sorts that out.
namespace sscvae {

/// Mixes 64 bits (Steele, Lea, Flood 2014: SplitMix64's finaliser).
SSCVAE_HOST_DEVICE inline uint64_t splitmix64(uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

/// The 53 upper bits as a number in [0, 1).
SSCVAE_HOST_DEVICE inline double unit_interval(uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

/// The words of Random(seed) from word number `first` on.
class WordsFrom {
 public:
  SSCVAE_HOST_DEVICE WordsFrom(uint64_t seed, uint64_t first) : state_(seed + first * 0x9E3779B97F4A7C15u) {}
  SSCVAE_HOST_DEVICE uint64_t next() {
    const uint64_t value = splitmix64(state_);
    state_ += 0x9E3779B97F4A7C15u;
    ++taken_;
    return value;
  }
  SSCVAE_HOST_DEVICE double uniform() { return unit_interval(next()); }
  SSCVAE_HOST_DEVICE int taken() const { return taken_; }

 private:
  uint64_t state_;
  int taken_ = 0;
};

/// Equal areas under the normal density. edge[i] is the right edge of layer i, falling from the widened bottom layer to
/// 0 at the top; inner[i] the share of layer i that lies below the curve throughout.
struct Ziggurat {
  static constexpr int kLayers = 128;
  static constexpr double kTail = 3.442619855899;       // right edge of the bottom layer's rectangle
  static constexpr double kArea = 9.91256303526217e-3;  // of every layer
  double edge[kLayers + 1], inner[kLayers];

  SSCVAE_HOST_DEVICE static double density(double x) { return ::exp(-0.5 * x * x); }
  /// The only one there is.
  static const Ziggurat& table() {
    static const Ziggurat made = [] {
      Ziggurat z;
      z.edge[0] = kArea / density(kTail);
      z.edge[1] = kTail;
      for (int i = 2; i < kLayers; ++i)
        z.edge[i] = std::sqrt(-2 * std::log(kArea / z.edge[i - 1] + density(z.edge[i - 1])));
      z.edge[kLayers] = 0;
      for (int i = 0; i < kLayers; ++i) z.inner[i] = z.edge[i + 1] / z.edge[i];
      return z;
    }();
    return made;
  }
};

/// Beyond the bottom layer's rectangle.
template <class Words>
SSCVAE_HOST_DEVICE double normal_tail(Words& words, bool negative) {
  double x, y;
  do {
    x = ::log(1 - words.uniform()) / Ziggurat::kTail;
    y = ::log(1 - words.uniform());
  } while (-2 * y < x * x);
  return negative ? x - Ziggurat::kTail : Ziggurat::kTail - x;
}

/// A standard normal variate; one word but for 1 in 80.
/// Source: the ziggurat of Marsaglia and Tsang 2000 with 128 layers, in the form of Doornik 2005 (ZIGNOR).
template <class Words>
SSCVAE_HOST_DEVICE double ziggurat_normal(Words& words, const Ziggurat& ziggurat) {
  for (;;) {
    const uint64_t bits = words.next();
    const int layer = static_cast<int>(bits % Ziggurat::kLayers);
    const double u = static_cast<double>(bits >> 11) * 0x1p-52 - 1;  // [-1, 1)
    const double x = u * ziggurat.edge[layer];
    if (::fabs(u) < ziggurat.inner[layer]) return x;
    if (layer == 0) return normal_tail(words, u < 0);
    const double low = Ziggurat::density(ziggurat.edge[layer]), high = Ziggurat::density(ziggurat.edge[layer + 1]);
    if (low + words.uniform() * (high - low) < Ziggurat::density(x)) return x;
  }
}

/// A standard normal variate of two words (Box & Muller 1958).
template <class Words>
SSCVAE_HOST_DEVICE double polar_normal(Words& words) {
  constexpr double kPi = 3.141592653589793238462643383279502884;
  const double u = 1.0 - words.uniform(), v = words.uniform();
  return ::sqrt(-2.0 * ::log(u)) * ::cos(2.0 * kPi * v);
}

/// Logarithm of a gamma variate of that shape and scale 1. Source: Marsaglia & Tsang 2000; below 1 by a power of a
/// uniform variate.
template <class Words>
SSCVAE_HOST_DEVICE double log_gamma_variate(Words& words, double shape) {
  const bool small = shape < 1;
  const double d = (small ? shape + 1 : shape) - 1.0 / 3, c = 1 / ::sqrt(9 * d);
  for (;;) {
    const double x = polar_normal(words), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root, u = 1 - words.uniform();
    if (!(::log(u) < 0.5 * x * x + d - d * v + d * ::log(v))) continue;
    const double value = ::log(d * v);
    return small ? value + ::log(1 - words.uniform()) / shape : value;
  }
}

}  // namespace sscvae
