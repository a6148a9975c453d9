#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sscvae/core/variates.h"

/// Randomness. One root seed gives named sub-seeds, so that a result depends on the seed and on what is drawn for whom,
/// never on the number of threads, the order of work or how often a run was interrupted.
namespace sscvae {

/// The seed of a named purpose and index: derive_seed(root, "crop", step).
uint64_t derive_seed(uint64_t root, std::string_view purpose, uint64_t index = 0);

/// SplitMix64 stream: fast, tiny state, good enough for crops, flips and synthetic images.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  double uniform();                         ///< [0, 1)
  double uniform(double low, double high);  ///< [low, high)
  int64_t below(int64_t bound);             ///< 0 ... bound - 1, unbiased; bound >= 1
  double normal();                          ///< standard normal (Box-Muller)

 private:
  uint64_t state_;
};

/// MT19937 (Matsumoto & Nishimura 1998) with the three seedings and drawings that published results rest on.
class MersenneTwister {
 public:
  /// numpy.random.seed(seed) for seed < 2^32.
  static MersenneTwister numpy(uint32_t seed);
  /// random.Random(seed) of CPython, for integers >= 0.
  static MersenneTwister python(uint64_t seed);

  uint32_t next_u32();
  double next_double();  ///< 53 bits, [0, 1): numpy's random_sample and Python's random()
  /// numpy.random.normal's legacy polar method: the second deviate of a pair is kept for the next call.
  double next_gauss();
  /// Python's Random.getrandbits for 1 <= bits <= 64.
  uint64_t next_bits(int bits);
  /// Python's Random._randbelow.
  uint64_t next_below(uint64_t bound);

 private:
  MersenneTwister() = default;
  void seed(uint32_t value);
  void seed(const std::vector<uint32_t>& key);
  void twist();
  std::array<uint32_t, 624> state_{};
  size_t position_ = 624;
  bool has_gauss_ = false;
  double gauss_ = 0;
};

/// random.Random(seed).shuffle(list) of CPython 3.
template <class T>
void python_shuffle(std::vector<T>& list, uint64_t seed) {
  MersenneTwister generator = MersenneTwister::python(seed);
  for (size_t i = list.size(); i-- > 1;) std::swap(list[i], list[generator.next_below(i + 1)]);
}

}  // namespace sscvae
