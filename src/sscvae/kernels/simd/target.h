#pragma once

/// What inner loops are compiled for: the instructions that all code from SSCVAE_TARGET("avx2,fma") to the end of the
/// source may use, or that one function may use, [[SSCVAE_FUNCTION_TARGET("avx2")]]. In a test program that stands in
/// for a better processor (SSCVAE_EMULATED_VECTORS, see x86_vectors.h) the same loops run with what every processor
/// has.
#ifdef SSCVAE_EMULATED_VECTORS
#define SSCVAE_TARGET(instructions)
#define SSCVAE_FUNCTION_TARGET(instructions)
#else
#define SSCVAE_PRAGMA(text) _Pragma(#text)
#define SSCVAE_TARGET(instructions) SSCVAE_PRAGMA(GCC target(instructions))
#define SSCVAE_FUNCTION_TARGET(instructions) gnu::target(instructions)
#endif
