#include "sscvae/kernels/isa.h"

#include <cstddef>

#include "sscvae/core/cpu_features.h"

namespace sscvae::kernels {
namespace {

Isa find_best() {
  Isa best = Isa::kPortable;
  for (const Isa isa : known_isas())
    if (cpu_features().runs(name_of(isa))) best = isa;
  return best;
}

}  // namespace

const char* name_of(Isa isa) {
  constexpr const char* kNames[] = {"portable", "avx2", "avx512", "neon"};
  return kNames[static_cast<size_t>(isa)];
}

Isa best_isa() {
  static const Isa best = find_best();
  return best;
}

std::vector<Isa> known_isas() {
#define SSCVAE_LIST_SET(set, unused) Isa::k##set,
  return {SSCVAE_INSTRUCTION_SETS(SSCVAE_LIST_SET, )};
#undef SSCVAE_LIST_SET
}

std::vector<Isa> available_isas() {
  std::vector<Isa> sets;
  for (const Isa isa : known_isas())
    if (isa <= best_isa()) sets.push_back(isa);
  return sets;
}

}  // namespace sscvae::kernels
