#include <cstdint>

#include "sscvae/kernels/norm_act_loops.h"

namespace sscvae::kernels {

namespace {

constexpr int kLanes = 4;
#include "sscvae/kernels/norm_act_loops.inl"

}  // namespace

const NormActLoops kNormActPortable[2] = {
    {moments<float>, forward<float>, gradient_sums<float>, backward<float>},
    {moments<uint16_t>, forward<uint16_t>, gradient_sums<uint16_t>, backward<uint16_t>}};

}  // namespace sscvae::kernels
