#pragma once

#include <vector>

namespace sscvae::kernels {

/// Instruction sets that kernels are written for; a machine has all up to its best.
enum class Isa { kPortable, kAvx2, kAvx512 };

/// Of this machine, or the one that SSCVAE_ISA holds it to (core/cpu_features.h).
Isa best_isa();

/// All of them up to the best: what tests of kernels go through.
std::vector<Isa> available_isas();

}  // namespace sscvae::kernels
