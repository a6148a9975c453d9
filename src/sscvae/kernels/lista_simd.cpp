#include "sscvae/kernels/lista_simd.h"

namespace sscvae::kernels {

const SimdKernels& simd_kernels(Isa isa) {
#ifdef SSCVAE_X86
  if (isa == Isa::kAvx512) return kSimdAvx512;
  if (isa == Isa::kAvx2) return kSimdAvx2;
#endif
  return kSimdPortable;
}

}  // namespace sscvae::kernels
