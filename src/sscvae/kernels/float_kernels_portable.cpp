#include <cstdint>

#include "sscvae/kernels/float_kernels.h"

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 4, kRows = 6, kBlockTiles = 48;
#include "sscvae/kernels/float_kernels.inl"

}  // namespace

const FloatKernels kFloatPortable{kLanes,   kPanel,    kBlockTiles, kBlockPixels, winograd_scratch,
                                  winograd, pointwise, scale_shift, channel_sums};

}  // namespace sscvae::kernels
