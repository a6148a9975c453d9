#pragma once

#include <cstdint>

namespace sscvae::data {

/// Adds standard normal values times `scale` to `values`. The same seed gives the same values on every machine up to
/// the rounding of exp and log in the rare branches (about 1 value in 80): ziggurat_normal (core/variates.h), one after
/// another from the words of Random(seed).
void add_normal(uint64_t seed, float scale, float* values, int64_t count);

}  // namespace sscvae::data
