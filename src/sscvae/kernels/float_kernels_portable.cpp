#include <cstdint>

#include "sscvae/kernels/float_kernels.h"

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 4, kRows = 6, kBlockTiles = 48;
#include "sscvae/kernels/float_kernels.inl"

}  // namespace

const FloatKernels kFloatPortable = kTable;

}  // namespace sscvae::kernels
