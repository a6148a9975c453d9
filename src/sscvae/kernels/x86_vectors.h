#pragma once

/// The intrinsics of vectors (AVX-512, AVX512_BF16) for sources of inner loops, and SSCVAE_TARGET. Tests define
/// SSCVAE_EMULATED_VECTORS as the header of functions of the same names that do in software what the instructions do:
/// so the loops are tested on processors that do not have them.
#include "sscvae/kernels/simd/target.h"

#ifdef SSCVAE_EMULATED_VECTORS
#include SSCVAE_EMULATED_VECTORS
#elif defined(__x86_64__)
#include <immintrin.h>
#endif
