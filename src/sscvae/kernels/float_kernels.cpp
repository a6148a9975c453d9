#include "sscvae/kernels/float_kernels.h"

namespace sscvae::kernels {

const FloatKernels& float_kernels(Isa isa) {
#ifdef SSCVAE_X86
  if (isa == Isa::kAvx512) return kFloatAvx512;
  if (isa == Isa::kAvx2) return kFloatAvx2;
#endif
  return kFloatPortable;
}

}  // namespace sscvae::kernels
