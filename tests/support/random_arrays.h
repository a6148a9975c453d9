#pragma once

#include "sscvae/array/array.h"
#include "sscvae/core/random.h"

namespace sscvae::testing {

/// Arrays of random float32 numbers, the same for the same seed.
class RandomArrays {
 public:
  explicit RandomArrays(uint64_t seed) : random_(seed) {}
  /// Standard normal ones.
  Array normal(const Sizes& sizes, Layout layout = Layout::kContiguous) {
    return filled(Array::empty(sizes, kFloat32, layout), [&] { return random_.normal(); });
  }
  /// Standard normal ones, channels-last.
  Array map(const Sizes& sizes) { return normal(sizes, Layout::kChannelsLast); }
  /// In [0, 1).
  Array uniform(const Sizes& sizes) {
    return filled(Array::empty(sizes), [&] { return random_.uniform(); });
  }

 private:
  template <class Draw>
  static Array filled(const Array& array, const Draw& draw) {
    for (int64_t i = 0; i < array.numel(); ++i) array.data<float>()[i] = static_cast<float>(draw());
    return array;
  }
  Random random_;
};

}  // namespace sscvae::testing
