#pragma once

namespace sscvae::kernels {

/// What multiplies bfloat16 with float32 sums: vectors (AVX512_BF16) or tiles (AMX). A machine with tiles has vectors.
enum class Bfloat16Unit { kNone, kAvx512, kAmx };

/// Of this machine. Asks the operating system for tiles once.
Bfloat16Unit best_bfloat16_unit();

inline bool has_bfloat16_kernels() { return best_bfloat16_unit() != Bfloat16Unit::kNone; }

}  // namespace sscvae::kernels
