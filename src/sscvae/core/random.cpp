#include "sscvae/core/random.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sscvae/core/error.h"

namespace sscvae {

uint64_t derive_seed(uint64_t root, std::string_view purpose, uint64_t index) {
  uint64_t hash = splitmix64(root);
  for (const char c : purpose) hash = splitmix64(hash ^ static_cast<unsigned char>(c));
  return splitmix64(hash ^ splitmix64(index + 1));
}

uint64_t Random::next() {
  const uint64_t value = splitmix64(state_);
  state_ += 0x9E3779B97F4A7C15u;
  return value;
}

double Random::uniform() { return unit_interval(next()); }

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

int64_t Random::below(int64_t bound) {
  SSCVAE_ASSERT(bound >= 1);
  const auto n = static_cast<uint64_t>(bound);
  const uint64_t limit = n * (UINT64_MAX / n);
  uint64_t value = next();
  while (value >= limit) value = next();
  return static_cast<int64_t>(value % n);
}

double Random::normal() { return polar_normal(*this); }

MersenneTwister MersenneTwister::numpy(uint32_t seed) {
  MersenneTwister generator;
  generator.seed(seed);
  return generator;
}

MersenneTwister MersenneTwister::python(uint64_t seed) {
  MersenneTwister generator;
  std::vector<uint32_t> key{static_cast<uint32_t>(seed)};
  if (seed >> 32) key.push_back(static_cast<uint32_t>(seed >> 32));
  generator.seed(key);
  return generator;
}

void MersenneTwister::seed(uint32_t value) {
  state_[0] = value;
  for (uint32_t i = 1; i < 624; ++i) state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  position_ = 624;
}

void MersenneTwister::seed(const std::vector<uint32_t>& key) {
  seed(19650218u);
  size_t i = 1, j = 0;
  const auto step = [&] {
    if (++i == 624) {
      state_[0] = state_[623];
      i = 1;
    }
  };
  for (size_t k = std::max<size_t>(624, key.size()); k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + key[j] + static_cast<uint32_t>(j);
    step();
    if (++j == key.size()) j = 0;
  }
  for (size_t k = 623; k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) - static_cast<uint32_t>(i);
    step();
  }
  state_[0] = 0x80000000u;
  position_ = 624;
}

void MersenneTwister::twist() {
  for (size_t i = 0; i < 624; ++i) {
    const uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % 624] & 0x7fffffffu);
    state_[i] = state_[(i + 397) % 624] ^ (y >> 1) ^ ((y & 1u) ? 0x9908b0dfu : 0u);
  }
  position_ = 0;
}

uint32_t MersenneTwister::next_u32() {
  if (position_ == 624) twist();
  uint32_t y = state_[position_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

double MersenneTwister::next_double() {
  const uint32_t a = next_u32() >> 5, b = next_u32() >> 6;
  return (a * 67108864.0 + b) / 9007199254740992.0;
}

double MersenneTwister::next_gauss() {
  if (has_gauss_) {
    has_gauss_ = false;
    return gauss_;
  }
  double x1 = 0, x2 = 0, r2 = 0;
  do {
    x1 = 2.0 * next_double() - 1.0;
    x2 = 2.0 * next_double() - 1.0;
    r2 = x1 * x1 + x2 * x2;
  } while (r2 >= 1.0 || r2 == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(r2) / r2);
  gauss_ = factor * x1;
  has_gauss_ = true;
  return factor * x2;
}

uint64_t MersenneTwister::next_bits(int bits) {
  SSCVAE_ASSERT(bits >= 1 && bits <= 64);
  if (bits <= 32) return next_u32() >> (32 - bits);
  const uint64_t low = next_u32();
  return low | (static_cast<uint64_t>(next_u32() >> (64 - bits)) << 32);
}

uint64_t MersenneTwister::next_below(uint64_t bound) {
  SSCVAE_ASSERT(bound >= 1);
  const int bits = std::bit_width(bound);
  uint64_t value = next_bits(bits);
  while (value >= bound) value = next_bits(bits);
  return value;
}

}  // namespace sscvae
