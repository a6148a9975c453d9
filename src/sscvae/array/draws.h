#pragma once

#include <cstdint>

#include "sscvae/array/array.h"
#include "sscvae/core/random.h"

namespace sscvae {

/// Random arrays of float32 as LibTorch's CPU generator draws them: a seed means the weights that it has always meant.
class Draws {
 public:
  explicit Draws(uint64_t seed) : generator_(MersenneTwister::numpy(static_cast<uint32_t>(seed))) {}

  Array uniform(const Sizes& sizes, double low, double high);
  /// Standard normal, for 16 numbers and more; up to the rounding of log and cos.
  Array normal(const Sizes& sizes);

 private:
  float next();  ///< [0, 1), 24 bits
  MersenneTwister generator_;
};

}  // namespace sscvae
