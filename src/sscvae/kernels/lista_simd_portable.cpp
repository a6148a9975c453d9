#include "sscvae/kernels/lista_simd.h"

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 4, kRows = 4, kVectors = 2;  // Any x86-64 has 16 registers of SSE2: 8 are accumulators.
#include "sscvae/kernels/lista_simd.inl"

}  // namespace

const SimdKernels kSimdPortable{kPanelWidth,   kRows,  find_active,   multiply, shrink_step,
                                gradient_step, shrink, mask_gradient, scale};

}  // namespace sscvae::kernels
