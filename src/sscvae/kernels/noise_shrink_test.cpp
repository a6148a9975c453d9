#include "sscvae/kernels/noise_shrink.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sscvae::kernels {
namespace {

TEST(NoiseShrink, FollowsItsFormulaWithAndWithoutOptionalRows) {
  constexpr int64_t kAtoms = 37, kPositions = 5;
  std::vector<float> step, previous, factors, floor, slope;
  for (int64_t i = 0; i < kAtoms * kPositions; ++i) {
    step.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(i))));
    previous.push_back(static_cast<float>(std::cos(1.1 * static_cast<double>(i))));
    factors.push_back(static_cast<float>(1 + 0.5 * std::sin(0.3 * static_cast<double>(i))));
  }
  for (int64_t k = 0; k < kAtoms; ++k) {
    floor.push_back(0.01f * static_cast<float>(k % 5));
    slope.push_back(0.02f * static_cast<float>(k % 7));
  }
  for (const bool has_previous : {false, true})
    for (const bool has_factors : {false, true}) {
      const NoiseShrink shrink{step.data(),
                               has_previous ? previous.data() : nullptr,
                               has_factors ? factors.data() : nullptr,
                               floor.data(),
                               slope.data(),
                               3.0f,
                               kAtoms};
      std::vector<float> code(step.size());
      noise_shrink(shrink, code.data(), kPositions, Isa::kPortable);
      for (const Isa isa : available_isas()) {
        std::vector<float> same(step.size());
        noise_shrink(shrink, same.data(), kPositions, isa);
        EXPECT_EQ(same, code) << static_cast<int>(isa);
      }
      for (size_t i = 0; i < code.size(); ++i) {
        const size_t k = i % kAtoms;
        const float v = step[i] + (has_previous ? previous[i] : 0);
        const float theta = (floor[k] + 3 * slope[k]) * (has_factors ? factors[i] : 1);
        const float expected = std::copysign(std::max(std::fabs(v) - theta, 0.0f), v);
        EXPECT_NEAR(code[i], expected, 1e-6f) << i;
        if (std::fabs(v) < theta - 1e-6f) {
          EXPECT_EQ(code[i], 0);
        }
      }
    }
}

TEST(NoiseShrink, GradientsPassWhereTheCodeIsNotZero) {
  constexpr int64_t kAtoms = 19, kPositions = 4, kAll = kAtoms * kPositions;
  std::vector<float> code, gradient, factors, floor, slope;
  for (int64_t i = 0; i < kAll; ++i) {
    code.push_back(static_cast<float>(i % 3 == 0 ? 0 : std::sin(0.7 * static_cast<double>(i))));
    gradient.push_back(static_cast<float>(std::cos(1.1 * static_cast<double>(i))));
    factors.push_back(static_cast<float>(1 + 0.5 * std::sin(0.3 * static_cast<double>(i))));
  }
  for (int64_t k = 0; k < kAtoms; ++k) {
    floor.push_back(0.01f * static_cast<float>(k % 5));
    slope.push_back(0.02f * static_cast<float>(k % 7));
  }
  for (const bool has_factors : {false, true})
    for (const Isa isa : available_isas()) {
      std::vector<float> towards_step(kAll), towards_factors(kAll), sums(kAtoms, 0);
      noise_shrink_gradient({code.data(), gradient.data(), has_factors ? factors.data() : nullptr, floor.data(),
                             slope.data(), 3.0f, kAtoms, towards_step.data(), towards_factors.data(), sums.data()},
                            kPositions, isa);
      std::vector<double> expected(kAtoms, 0);
      for (size_t i = 0; i < code.size(); ++i) {
        const size_t k = i % kAtoms;
        const float sign = code[i] > 0 ? 1.0f : code[i] < 0 ? -1.0f : 0.0f;
        EXPECT_EQ(towards_step[i], code[i] != 0 ? gradient[i] : 0);
        if (has_factors) {
          EXPECT_NEAR(towards_factors[i], -sign * gradient[i] * (floor[k] + 3 * slope[k]), 1e-6);
        }
        expected[k] -= static_cast<double>(sign * gradient[i]) * (has_factors ? factors[i] : 1);
      }
      for (size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(sums[k], expected[k], 1e-5);
    }
}

}  // namespace
}  // namespace sscvae::kernels
