#include "sscvae/kernels/bfloat16_unit.h"

#ifdef SSCVAE_X86
#include <sys/syscall.h>
#include <unistd.h>

#include "sscvae/core/cpu_features.h"
#endif

namespace sscvae::kernels {

#ifdef SSCVAE_X86
namespace {

bool ask_for_tiles() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Bfloat16Unit find_unit() {
  if (!cpu_features().runs("avx512_bf16")) return Bfloat16Unit::kNone;
  return cpu_features().runs("amx") && ask_for_tiles() ? Bfloat16Unit::kAmx : Bfloat16Unit::kAvx512;
}

}  // namespace

Bfloat16Unit best_bfloat16_unit() {
  static const Bfloat16Unit unit = find_unit();
  return unit;
}
#else
Bfloat16Unit best_bfloat16_unit() { return Bfloat16Unit::kNone; }
#endif

}  // namespace sscvae::kernels
