#include "sscvae/kernels/lista_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace sscvae::kernels {
namespace {

using Values = std::vector<float>;

Values random_values(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Values values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

/// Every instruction set that this processor has.
class ListaLoopsOf : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > best_isa()) GTEST_SKIP() << "this processor lacks the instruction set";
  }
  const ListaLoops& kernels() const { return lista_loops(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Sets, ListaLoopsOf, ::testing::ValuesIn(known_isas()),
                         [](const auto& set) { return std::string(name_of(set.param)); });

constexpr int64_t kRows = 17, kDepth = 23, kStride = 80;

/// A [kRows + padding, kDepth] by strides, times a row-major B [kDepth, 64].
struct Fixture {
  Values a = random_values(48 * 48, 1), b = random_values(kDepth * kStride, 2);
  bool transposed;
  explicit Fixture(bool transposed_left) : transposed(transposed_left) {}
  Product product(const ListaLoops& kernels) const {
    return {transposed ? Left::kTransposed : Left::kPlain,
            a.data(),
            48,
            b.data(),
            kernels.panel_width,
            kStride,
            kRows,
            kDepth,
            64 / kernels.panel_width};
  }
  double exact(int64_t row, int64_t column) const {
    double sum = 0;
    for (int64_t k = 0; k < kDepth; ++k)
      sum += double{a[static_cast<size_t>(transposed ? row + 48 * k : 48 * row + k)]} *
             double{b[static_cast<size_t>(k * kStride + column)]};
    return sum;
  }
};

TEST_P(ListaLoopsOf, MultipliesAndAccumulates) {
  for (const bool transposed : {false, true}) {
    const Fixture fixture(transposed);
    Values result(48 * kStride, 1.0F);
    kernels().multiply(fixture.product(kernels()), result.data(), kStride, false);
    kernels().multiply(fixture.product(kernels()), result.data(), kStride, true);
    for (int64_t row = 0; row < kRows; ++row)
      for (int64_t column = 0; column < 64; ++column)
        EXPECT_NEAR(result[static_cast<size_t>(row * kStride + column)], 2 * fixture.exact(row, column), 2e-5);
    EXPECT_EQ(result[64], 1.0F) << "wrote beyond the last panel";
  }
}

float shrunk(double v, double theta) {
  return static_cast<float>(v == 0 ? 0 : std::copysign(std::max(std::abs(v) - theta, 0.0), v));
}

TEST_P(ListaLoopsOf, ShrinksProducts) {
  const Fixture fixture(false);
  const Values drive = random_values(48 * kStride, 3), theta = random_values(48 * kStride, 4);  // both signs
  Values code(48 * kStride);
  kernels().shrink_step(fixture.product(kernels()), {drive.data(), theta.data(), code.data()}, kStride);
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t column = 0; column < 64; ++column) {
      const auto at = static_cast<size_t>(row * kStride + column);
      EXPECT_NEAR(code[at], shrunk(fixture.exact(row, column) + drive[at], theta[at]), 2e-5);
    }
}

TEST_P(ListaLoopsOf, ListsOfNonZerosChangeNoBit) {
  Fixture fixture(false);
  for (int64_t row = 0; row < 48; ++row)  // columns 3, 6, ... are zero in all rows, the others in every second one
    for (int64_t k = 0; k < 48; ++k)
      if (k % 3 == 0 || (row + k) % 2 == 0) fixture.a[static_cast<size_t>(48 * row + k)] = 0;
  const int64_t block = kernels().row_block, blocks = (kRows + block - 1) / block;
  std::vector<int32_t> lists(static_cast<size_t>(blocks * kDepth)), counts(static_cast<size_t>(blocks));
  const int64_t total = kernels().find_active(fixture.a.data(), 48, kRows, kDepth, lists.data(), counts.data());
  const int64_t used = kDepth - (kDepth + 2) / 3;
  EXPECT_EQ(total, blocks * used);
  for (int64_t i = 0; i < blocks; ++i) EXPECT_EQ(counts[static_cast<size_t>(i)], used);
  Product product = fixture.product(kernels());
  const Values drive = random_values(48 * kStride, 3), theta = random_values(48 * kStride, 4);
  Values whole(48 * kStride), listed(48 * kStride), sum(48 * kStride), listed_sum(48 * kStride);
  kernels().shrink_step(product, {drive.data(), theta.data(), whole.data()}, kStride);
  kernels().multiply(product, sum.data(), kStride, false);
  product.active = lists.data();
  product.active_counts = counts.data();
  kernels().shrink_step(product, {drive.data(), theta.data(), listed.data()}, kStride);
  kernels().multiply(product, listed_sum.data(), kStride, false);
  EXPECT_EQ(whole, listed);
  EXPECT_EQ(sum, listed_sum);
}

TEST_P(ListaLoopsOf, ShrinkageKeepsZeroAndNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const Values v{0.0F, -0.0F, 0.0F, 2.0F, -2.0F, 2.0F, -2.0F, nan, nan, infinity, 1.0F, -1.0F, 0.5F, 0.5F, 3.0F, -3.0F};
  const Values theta{1.0F,  1.0F, -1.0F, 0.5F, 0.5F, -0.5F, -0.5F, 0.5F,
                     -0.5F, 1.0F, 1.0F,  1.0F, 0.0F, 1.0F,  1.0F,  1.0F};
  const Values expected{0, 0, 0, 1.5F, -1.5F, 2.5F, -2.5F, nan, nan, infinity, 0, 0, 0.5F, 0, 2, -2};
  Values code(16);
  kernels().shrink(v.data(), theta.data(), code.data(), 16);
  for (size_t i = 0; i < 16; ++i)
    if (std::isnan(expected[i])) EXPECT_TRUE(std::isnan(code[i])) << i;
    else EXPECT_EQ(code[i], expected[i]) << i;
}

TEST_P(ListaLoopsOf, PassesGradientsWhereTheCodeIsNotZero) {
  const Fixture fixture(false);
  Values code = random_values(48 * kStride, 5);
  for (size_t i = 0; i < code.size(); i += 3) code[i] = 0;
  Values outer(code.size()), drive(code.size(), 1.0F), theta(code.size(), 2.0F), masked(code.size());
  kernels().gradient_step(fixture.product(kernels()), {code.data(), outer.data(), drive.data(), theta.data()}, kStride);
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t column = 0; column < 64; ++column) {
      const auto at = static_cast<size_t>(row * kStride + column);
      const double g = code[at] == 0 ? 0 : fixture.exact(row, column), sign = code[at] < 0 ? -1 : 1;
      EXPECT_NEAR(outer[at], g, 2e-5);
      EXPECT_NEAR(drive[at], 1 + g, 2e-5);
      EXPECT_NEAR(theta[at], 2 - g * sign, 2e-5);
    }
  kernels().mask_gradient(outer.data(), {code.data(), masked.data(), drive.data(), nullptr}, 48 * kStride);
  EXPECT_EQ(masked, outer);

  const Values added = random_values(48 * kStride, 6);
  Values with_added(code.size());
  kernels().gradient_step(fixture.product(kernels()),
                          {code.data(), with_added.data(), drive.data(), nullptr, added.data()}, kStride);
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t column = 0; column < 64; ++column) {
      const auto at = static_cast<size_t>(row * kStride + column);
      EXPECT_NEAR(with_added[at], outer[at] + (code[at] == 0 ? 0 : added[at]), 1e-6);
    }
}

TEST_P(ListaLoopsOf, Scales) {
  const Values v = random_values(64, 6), added = random_values(64, 7);
  Values scaled(64), sum(64);
  kernels().scale(0.25F, v.data(), nullptr, scaled.data(), 64);
  kernels().scale(0.25F, v.data(), added.data(), sum.data(), 64);
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(scaled[i], 0.25F * v[i]);
    EXPECT_NEAR(sum[i], 0.25F * v[i] + added[i], 1e-6);
  }
}

}  // namespace
}  // namespace sscvae::kernels
