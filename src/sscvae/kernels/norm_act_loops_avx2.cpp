#include <cstdint>

#include "sscvae/kernels/norm_act_loops.h"
#include "sscvae/kernels/target.h"

#ifdef SSCVAE_X86
SSCVAE_TARGET("avx2,fma")

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 8;
#include "sscvae/kernels/norm_act_loops.inl"

}  // namespace

const NormActLoops kNormActAvx2[2] = {
    {moments<float>, forward<float>, gradient_sums<float>, backward<float>},
    {moments<uint16_t>, forward<uint16_t>, gradient_sums<uint16_t>, backward<uint16_t>}};

}  // namespace sscvae::kernels

#endif
