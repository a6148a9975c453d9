#include "sscvae/kernels/lista_simd.h"

#ifdef SSCVAE_X86
#pragma GCC target("avx2,fma")

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 8, kRows = 6, kVectors = 2;  // 12 of the 16 registers are accumulators.
#include "sscvae/kernels/lista_simd.inl"

}  // namespace

const SimdKernels kSimdAvx2{kPanelWidth,   kRows,  find_active,   multiply, shrink_step,
                            gradient_step, shrink, mask_gradient, scale};

}  // namespace sscvae::kernels

#endif
