#pragma once

#include <vector>

/// The instruction sets that inner loops are compiled for, those of this kind of processor in rising order:
/// row(set, argument) for each. A row is a value of Isa, its line in isa.cpp and a file simd/<set>.inl.
#if defined(__x86_64__)
#define SSCVAE_INSTRUCTION_SETS(row, argument) row(Portable, argument) row(Avx2, argument) row(Avx512, argument)
#elif defined(__aarch64__)
#define SSCVAE_INSTRUCTION_SETS(row, argument) row(Portable, argument) row(Neon, argument)
#else
#define SSCVAE_INSTRUCTION_SETS(row, argument) row(Portable, argument)
#endif

namespace sscvae::kernels {

/// All of them, whatever the processor; a machine has those of its kind up to its best.
enum class Isa { kPortable, kAvx2, kAvx512, kNeon };

/// As SSCVAE_ISA calls it: "avx2".
const char* name_of(Isa isa);

/// Of this machine, or the one that SSCVAE_ISA holds it to (core/cpu_features.h).
Isa best_isa();

/// All of this kind of processor, whether this one has them or not: the parameters of tests.
std::vector<Isa> known_isas();
/// Those up to the best: what tests of kernels go through.
std::vector<Isa> available_isas();

}  // namespace sscvae::kernels
