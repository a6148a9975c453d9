#include "sscvae/kernels/isa.h"

#include "sscvae/core/cpu_features.h"

namespace sscvae::kernels {
namespace {

Isa find_best() {
  const CpuFeatures& cpu = cpu_features();
  if (cpu.has("avx512f") && cpu.has("avx512bw") && cpu.has("avx512vl") && cpu.has("avx512dq")) return Isa::kAvx512;
  return cpu.has("avx2") && cpu.has("fma") ? Isa::kAvx2 : Isa::kPortable;
}

}  // namespace

Isa best_isa() {
  static const Isa best = find_best();
  return best;
}

std::vector<Isa> available_isas() {
  std::vector<Isa> sets;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512})
    if (isa <= best_isa()) sets.push_back(isa);
  return sets;
}

}  // namespace sscvae::kernels
