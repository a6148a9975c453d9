#pragma once

#include "sscvae/kernels/group_shrink.h"
#include "sscvae/kernels/simd/loops_of_sets.h"

/// The inner loops of group_shrink.h. `theta` are the thresholds [atoms], `row` [2][atoms] is working memory.
namespace sscvae::kernels {

struct GroupShrinkLoops {
  void (*shrink)(const GroupShrink& shrink, const float* theta, float* code, int64_t positions);
  void (*gradient)(const GroupShrink& shrink, const GroupShrinkGradient& gradient, const float* theta, float* row,
                   int64_t positions);
};

SSCVAE_LOOPS(GroupShrinkLoops, group_shrink_loops)

}  // namespace sscvae::kernels
