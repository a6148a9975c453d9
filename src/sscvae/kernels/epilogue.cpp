#include "sscvae/kernels/epilogue.h"

#include "sscvae/core/cpu_features.h"

namespace sscvae::kernels {

Isa best_isa() {
  const CpuFeatures& cpu = cpu_features();
  if (cpu.has("avx512f") && cpu.has("avx512bw") && cpu.has("avx512vl") && cpu.has("avx512dq")) return Isa::kAvx512;
  return cpu.has("avx2") && cpu.has("fma") ? Isa::kAvx2 : Isa::kPortable;
}

}  // namespace sscvae::kernels
