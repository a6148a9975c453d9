#include "sscvae/array/draws.h"

#include <cmath>
#include <numbers>
#include <span>

#include "sscvae/core/error.h"

namespace sscvae {

namespace {

constexpr int64_t kBlock = 16;  // normal numbers are made so many at a time

/// Box and Muller's transform of uniform numbers [0, 1), the first half of the block with the second one.
void to_normal(float* block) {
  for (int64_t i = 0; i < kBlock / 2; ++i) {
    const float radius = std::sqrt(-2 * std::log(1 - block[i]));
    const float angle = 2 * std::numbers::pi_v<float> * block[i + kBlock / 2];
    block[i] = radius * std::cos(angle);
    block[i + kBlock / 2] = radius * std::sin(angle);
  }
}

}  // namespace

float Draws::next() { return static_cast<float>(generator_.next_u32() & 0xFFFFFF) * 0x1p-24F; }

Array Draws::uniform(const Sizes& sizes, double low, double high) {
  const Array values = Array::empty(sizes);
  const auto from = static_cast<float>(low), width = static_cast<float>(high) - from;
  for (float& value : std::span(values.data<float>(), static_cast<size_t>(values.numel())))
    value = std::fma(next(), width, from);
  return values;
}

Array Draws::normal(const Sizes& sizes) {
  const Array values = Array::empty(sizes);
  const int64_t count = values.numel();
  SSCVAE_ASSERT(count >= kBlock);
  float* data = values.data<float>();
  for (int64_t i = 0; i < count; ++i) data[i] = next();
  for (int64_t first = 0; first + kBlock <= count; first += kBlock) to_normal(data + first);
  if (count % kBlock != 0) {  // the last block is drawn once more
    for (int64_t i = count - kBlock; i < count; ++i) data[i] = next();
    to_normal(data + count - kBlock);
  }
  return values;
}

}  // namespace sscvae
