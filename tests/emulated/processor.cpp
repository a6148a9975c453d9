#include <sys/syscall.h>
#include <unistd.h>

#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/kernels/isa.h"

// What the kernels hear of the processor where everything is emulated, whatever it has and SSCVAE_ISA says. Takes the
// place of isa.cpp and bfloat16_unit.cpp.
namespace sscvae::kernels {

Isa best_isa() { return Isa::kAvx512; }

std::vector<Isa> available_isas() { return {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}; }
std::vector<Isa> known_isas() { return available_isas(); }

const char* name_of(Isa isa) { return isa == Isa::kAvx512 ? "avx512" : isa == Isa::kAvx2 ? "avx2" : "portable"; }

/// Tiles are tested beside vectors (test_units.h). Where there are real ones, the operating system must be asked for
/// them.
Bfloat16Unit best_bfloat16_unit() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  [[maybe_unused]] static const long asked = syscall(SYS_arch_prctl, kRequestPermission, kTileData);
  return Bfloat16Unit::kAvx512;
}

}  // namespace sscvae::kernels
