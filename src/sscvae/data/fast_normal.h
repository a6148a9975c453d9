#pragma once

#include <cstdint>

namespace sscvae::data {

/// Adds standard normal values times `scale` to `values`. The same seed gives the same values on every machine up to
/// the rounding of exp and log in the rare branches (about 1 value in 80).
/// Source: the ziggurat of Marsaglia and Tsang 2000 with 128 layers, in the form of Doornik 2005 (ZIGNOR), fed by
/// SplitMix64.
void add_normal(uint64_t seed, float scale, float* values, int64_t count);

}  // namespace sscvae::data
