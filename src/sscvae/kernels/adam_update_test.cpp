#include "sscvae/kernels/adam_update.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sscvae::kernels {
namespace {

struct AdamNumbers {
  std::vector<float> parameter, gradient, m, v;
};

AdamNumbers adam_numbers() {
  AdamNumbers numbers;
  for (int i = 0; i < 37; ++i) {
    const double x = 0.7 * i;
    numbers.parameter.push_back(static_cast<float>(std::sin(x)));
    numbers.gradient.push_back(static_cast<float>(0.1 * std::cos(x)));
    numbers.m.push_back(static_cast<float>(0.01 * std::sin(2 * x)));
    numbers.v.push_back(static_cast<float>(0.001 * (1 + std::cos(3 * x))));
  }
  return numbers;
}

constexpr AdamStep kStep{0.99, 0.999, 0.1, 0.001, 0.5, 1e-2, 1e-8};

TEST(AdamUpdate, GivesTheSameBitsByEveryInstructionSet) {
  const AdamNumbers start = adam_numbers();
  AdamNumbers portable = start;
  adam_update(portable.parameter.data(), start.gradient.data(), portable.m.data(), portable.v.data(), 37, kStep,
              Isa::kPortable);
  EXPECT_NE(portable.parameter, start.parameter);
  for (const Isa isa : available_isas()) {
    AdamNumbers numbers = start;
    adam_update(numbers.parameter.data(), start.gradient.data(), numbers.m.data(), numbers.v.data(), 37, kStep, isa);
    EXPECT_EQ(numbers.parameter, portable.parameter) << static_cast<int>(isa);
    EXPECT_EQ(numbers.m, portable.m) << static_cast<int>(isa);
    EXPECT_EQ(numbers.v, portable.v) << static_cast<int>(isa);
  }
}

}  // namespace
}  // namespace sscvae::kernels
