#pragma once

/// The intrinsics of AVX-512 and AVX512_BF16 in software, for sources that are compiled once more with
/// SSCVAE_EMULATED_VECTORS (sscvae/kernels/x86_vectors.h): SIMDe has most of them; those of AVX512_BF16 and a few
/// others stand here. To be included last.
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>

typedef simde__mmask16 __mmask16;
typedef simde__mmask32 __mmask32;

typedef float EmulatedFloats __attribute__((vector_size(64), may_alias));
typedef uint32_t EmulatedWords __attribute__((vector_size(64), may_alias));
typedef uint16_t EmulatedHalves __attribute__((vector_size(32), may_alias));
typedef int16_t EmulatedShorts __attribute__((vector_size(32), may_alias));
typedef int16_t EmulatedLongShorts __attribute__((vector_size(64), may_alias));

/// The lanes in which a comparison holds.
template <class Mask, int kLanes, class Comparison>
inline Mask emulated_mask(Comparison comparison) {
  Mask mask = 0;
  for (int i = 0; i < kLanes; ++i) mask = static_cast<Mask>(mask | (comparison[i] ? Mask{1} << i : Mask{0}));
  return mask;
}

inline __m512i emulated512_cvtepu16_epi32(__m256i halves) {
  return reinterpret_cast<__m512i>(__builtin_convertvector(reinterpret_cast<EmulatedHalves>(halves), EmulatedWords));
}

inline __mmask16 emulated256_cmpgt_epi16_mask(__m256i a, __m256i b) {
  return emulated_mask<__mmask16, 16>(reinterpret_cast<EmulatedShorts>(a) > reinterpret_cast<EmulatedShorts>(b));
}
inline __mmask32 emulated512_cmpgt_epi16_mask(__m512i a, __m512i b) {
  return emulated_mask<__mmask32, 32>(reinterpret_cast<EmulatedLongShorts>(a) >
                                      reinterpret_cast<EmulatedLongShorts>(b));
}

// Lanes that are masked out touch no memory.

template <class Vector, class Element, int kLanes>
inline Vector emulated_load(uint32_t mask, const void* from) {
  Element lanes[kLanes] = {};
  for (int i = 0; i < kLanes; ++i)
    if (mask >> i & 1) std::memcpy(&lanes[i], static_cast<const Element*>(from) + i, sizeof(Element));
  Vector vector;
  std::memcpy(&vector, lanes, sizeof(vector));
  return vector;
}
template <class Vector, class Element, int kLanes>
inline void emulated_store(void* to, uint32_t mask, Vector vector) {
  Element lanes[kLanes];
  std::memcpy(lanes, &vector, sizeof(vector));
  for (int i = 0; i < kLanes; ++i)
    if (mask >> i & 1) std::memcpy(static_cast<Element*>(to) + i, &lanes[i], sizeof(Element));
}

inline __m256i emulated256_maskz_loadu_epi16(__mmask16 mask, const void* from) {
  return emulated_load<__m256i, uint16_t, 16>(mask, from);
}
inline __m512i emulated512_maskz_loadu_epi16(__mmask32 mask, const void* from) {
  return emulated_load<__m512i, uint16_t, 32>(mask, from);
}
inline void emulated256_mask_storeu_epi16(void* to, __mmask16 mask, __m256i v) {
  emulated_store<__m256i, uint16_t, 16>(to, mask, v);
}
inline void emulated512_mask_storeu_ps(void* to, __mmask16 mask, __m512 v) {
  emulated_store<__m512, float, 16>(to, mask, v);
}

inline __m512 emulated512_mask_i32gather_ps(__m512 otherwise, __mmask16 mask, __m512i places, const void* base,
                                            int scale) {
  const EmulatedWords offsets = reinterpret_cast<EmulatedWords>(places);
  EmulatedFloats found = reinterpret_cast<EmulatedFloats>(otherwise);
  for (int i = 0; i < 16; ++i) {
    if (!(mask >> i & 1)) continue;
    float value;
    std::memcpy(&value, static_cast<const char*>(base) + int64_t{static_cast<int32_t>(offsets[i])} * scale,
                sizeof(value));
    found[i] = value;
  }
  return reinterpret_cast<__m512>(found);
}

/// Numbers below 2^-126 become zeros of their sign, as AVX512_BF16 takes and gives them whatever MXCSR says.
inline EmulatedWords emulated_flush(EmulatedWords bits) {
  return (bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits;
}

/// VCVTNEPS2BF16: to nearest, ties to even; of a NaN the upper half, made quiet.
[[gnu::noinline]] inline __m256bh emulated512_cvtneps_pbh(__m512 v) {
  const EmulatedFloats values = reinterpret_cast<EmulatedFloats>(v);
  const EmulatedWords bits = emulated_flush(reinterpret_cast<EmulatedWords>(v));
  const EmulatedWords rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16, quiet = bits >> 16 | 0x40u;
  return reinterpret_cast<__m256bh>(__builtin_convertvector(values == values ? rounded : quiet, EmulatedHalves));
}
/// VCVTNE2PS2BF16: `low` in the lower half.
inline __m512bh emulated512_cvtne2ps_pbh(__m512 high, __m512 low) {
  const __m256bh halves[2] = {emulated512_cvtneps_pbh(low), emulated512_cvtneps_pbh(high)};
  __m512bh both;
  std::memcpy(&both, halves, sizeof(both));
  return both;
}

/// VDPBF16PS: the odd places of the pairs are added first, each product and each sum rounded to nearest.
[[gnu::noinline]] inline __m512 emulated512_dpbf16_ps(__m512 sums, __m512bh a, __m512bh b) {
  const auto part = [](__m512bh pairs, bool odd) {
    const EmulatedWords bits = reinterpret_cast<EmulatedWords>(pairs);
    return reinterpret_cast<EmulatedFloats>(emulated_flush(odd ? bits & 0xffff0000u : bits << 16));
  };
  EmulatedFloats sum = reinterpret_cast<EmulatedFloats>(sums);
  for (const bool odd : {true, false}) {
    const EmulatedFloats added = sum + part(a, odd) * part(b, odd);
    sum = reinterpret_cast<EmulatedFloats>(emulated_flush(reinterpret_cast<EmulatedWords>(added)));
  }
  return reinterpret_cast<__m512>(sum);
}

// LibTorch's headers may have included <immintrin.h>, a later SIMDe may have some of these: the preprocessor takes the
// names from both.
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 emulated512_cvtepu16_epi32
#undef _mm256_cmpgt_epi16_mask
#define _mm256_cmpgt_epi16_mask emulated256_cmpgt_epi16_mask
#undef _mm512_cmpgt_epi16_mask
#define _mm512_cmpgt_epi16_mask emulated512_cmpgt_epi16_mask
#undef _mm256_maskz_loadu_epi16
#define _mm256_maskz_loadu_epi16 emulated256_maskz_loadu_epi16
#undef _mm512_maskz_loadu_epi16
#define _mm512_maskz_loadu_epi16 emulated512_maskz_loadu_epi16
#undef _mm256_mask_storeu_epi16
#define _mm256_mask_storeu_epi16 emulated256_mask_storeu_epi16
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps emulated512_mask_storeu_ps
#undef _mm512_mask_i32gather_ps
#define _mm512_mask_i32gather_ps emulated512_mask_i32gather_ps
#undef _mm512_cvtneps_pbh
#define _mm512_cvtneps_pbh emulated512_cvtneps_pbh
#undef _mm512_cvtne2ps_pbh
#define _mm512_cvtne2ps_pbh emulated512_cvtne2ps_pbh
#undef _mm512_dpbf16_ps
#define _mm512_dpbf16_ps emulated512_dpbf16_ps
