#include "sscvae/kernels/lista_simd.h"
#include "sscvae/kernels/target.h"

#ifdef SSCVAE_X86
SSCVAE_TARGET("avx2,fma")

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 8, kRows = 6, kVectors = 2;  // 12 of the 16 registers are accumulators.
#include "sscvae/kernels/lista_simd.inl"

}  // namespace

const SimdKernels kSimdAvx2{kPanelWidth,   kRows,  find_active,   multiply, shrink_step,
                            gradient_step, shrink, mask_gradient, scale};

}  // namespace sscvae::kernels

#endif
