#include "sscvae/kernels/lista_simd.h"
#include "sscvae/kernels/target.h"

#ifdef SSCVAE_X86
SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 16, kRows = 14, kVectors = 2;  // 28 of the 32 registers are accumulators.
#include "sscvae/kernels/lista_simd.inl"

}  // namespace

const SimdKernels kSimdAvx512{kPanelWidth,   kRows,  find_active,   multiply, shrink_step,
                              gradient_step, shrink, mask_gradient, scale};

}  // namespace sscvae::kernels

#endif
