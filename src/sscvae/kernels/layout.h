#pragma once

#include <cstdint>

#include "sscvae/array/array.h"

/// Sizes in whole blocks, and the raw words of bfloat16 maps.
namespace sscvae::kernels {

inline constexpr int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }
inline constexpr int64_t round_up(int64_t value, int64_t to) { return divide_up(value, to) * to; }

inline const uint16_t* bits(const Array& tensor) { return reinterpret_cast<const uint16_t*>(tensor.data<BFloat16>()); }
inline uint16_t* mutable_bits(const Array& tensor) { return reinterpret_cast<uint16_t*>(tensor.data<BFloat16>()); }

}  // namespace sscvae::kernels
