#pragma once

#include "sscvae/kernels/isa.h"

/// SSCVAE_LOOPS(FooLoops, foo_loops), in foo_loops.h in namespace sscvae::kernels: the struct FooLoops, which holds
/// pointers to functions, has a value k<Set>FooLoops for each instruction set, and foo_loops(isa) chooses among them.
/// What the processor lacks must not be asked for (best_isa).
///
/// The values come from foo_loops.inl, which ends in a constant kTable and is compiled once for each set
/// (simd/loops.cpp.in): written with the vocabulary of simd/vectors.inl, it knows none of them.
#define SSCVAE_LOOPS(Loops, function)                     \
  SSCVAE_INSTRUCTION_SETS(SSCVAE_DECLARE_LOOPS, Loops)    \
  inline const Loops& function(Isa isa) {                 \
    switch (isa) {                                        \
      SSCVAE_INSTRUCTION_SETS(SSCVAE_CHOOSE_LOOPS, Loops) \
      default:                                            \
        return kPortable##Loops;                          \
    }                                                     \
  }
#define SSCVAE_DECLARE_LOOPS(set, Loops) extern const Loops k##set##Loops;
#define SSCVAE_CHOOSE_LOOPS(set, Loops) \
  case Isa::k##set:                     \
    return k##set##Loops;
