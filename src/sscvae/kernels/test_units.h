#pragma once

#include <vector>

#include "sscvae/kernels/bfloat16_unit.h"
#include "support/tile_emulation.h"

namespace sscvae::kernels {

/// What kernels of bfloat16 can be tested with here: where there are vectors, tiles are emulated if need be.
inline std::vector<Bfloat16Unit> testable_bfloat16_units() {
  if (!has_bfloat16_kernels()) return {};
  if (best_bfloat16_unit() != Bfloat16Unit::kAmx && !testing::emulate_tiles()) return {Bfloat16Unit::kAvx512};
  return {Bfloat16Unit::kAvx512, Bfloat16Unit::kAmx};
}

}  // namespace sscvae::kernels
