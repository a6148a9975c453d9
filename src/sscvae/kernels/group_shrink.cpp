#include "sscvae/kernels/group_shrink.h"

#include <cstddef>
#include <vector>

#include "sscvae/kernels/group_shrink_loops.h"

namespace sscvae::kernels {

namespace {

std::vector<float> thresholds_of(const GroupShrink& s) {
  std::vector<float> theta;
  for (int64_t k = 0; k < s.atoms; ++k) theta.push_back(s.floor[k] + s.sigma * s.slope[k]);
  return theta;
}

}  // namespace

void group_shrink(const GroupShrink& shrink, float* code, int64_t positions, Isa isa) {
  group_shrink_loops(isa).shrink(shrink, thresholds_of(shrink).data(), code, positions);
}

void group_shrink_gradient(const GroupShrink& shrink, const GroupShrinkGradient& gradient, int64_t positions, Isa isa) {
  std::vector<float> row(static_cast<size_t>(2 * shrink.atoms));
  group_shrink_loops(isa).gradient(shrink, gradient, thresholds_of(shrink).data(), row.data(), positions);
}

}  // namespace sscvae::kernels
