#include <cstdint>

#include "sscvae/kernels/float_kernels.h"
#include "sscvae/kernels/target.h"

#ifdef SSCVAE_X86
SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 16, kRows = 12, kBlockTiles = 96;
#include "sscvae/kernels/float_kernels.inl"

}  // namespace

const FloatKernels kFloatAvx512 = kTable;

}  // namespace sscvae::kernels

#endif
