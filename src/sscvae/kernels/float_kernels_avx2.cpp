#include <cstdint>

#include "sscvae/kernels/float_kernels.h"
#include "sscvae/kernels/target.h"

#ifdef SSCVAE_X86
SSCVAE_TARGET("avx2,fma")

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 8, kRows = 6, kBlockTiles = 48;
#include "sscvae/kernels/float_kernels.inl"

}  // namespace

const FloatKernels kFloatAvx2 = kTable;

}  // namespace sscvae::kernels

#endif
