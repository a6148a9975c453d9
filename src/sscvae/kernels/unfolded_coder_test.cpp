#include "sscvae/kernels/unfolded_coder.h"

#include <gtest/gtest.h>

#include <ostream>

#include "sscvae/array/maps.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/reductions.h"
#include "support/random_arrays.h"

namespace sscvae::kernels {
namespace {

struct UnfoldedCase {
  int64_t channels, atoms, side;
  bool grouped, factors;
};

void PrintTo(const UnfoldedCase& c, std::ostream* out) {
  *out << c.channels << " channels, " << c.atoms << " atoms of side " << c.side << (c.grouped ? ", grouped" : "")
       << (c.factors ? ", factors" : "");
}

std::vector<UnfoldedIteration> random_iterations(testing::RandomArrays& random, const UnfoldedCase& c, int count) {
  std::vector<UnfoldedIteration> iterations;
  for (int t = 0; t < count; ++t) {
    UnfoldedIteration i;
    i.analysis = random.normal({c.atoms, c.channels, c.side, c.side}) * 0.1;
    i.synthesis = random.normal({c.channels, c.atoms, c.side, c.side}) * 0.05;
    i.floor = random.uniform({c.atoms}) * 0.05;
    i.slope = random.uniform({c.atoms}) * 6;
    if (c.grouped) {
      i.own = random.uniform({c.atoms}) + 0.2;
      i.down = random.uniform({5, c.atoms}) / static_cast<double>(c.atoms);
      i.pool = random.uniform({5, 1, 3, 3}) * 0.2;
      i.up = random.uniform({c.atoms, 5}) * 0.1;
    }
    iterations.push_back(i);
  }
  return iterations;
}

Array convolved(const Array& x, const Array& weight, int64_t before) {
  const int64_t after = weight.size(2) - 1 - before;
  return conv2d(pad(x, {before, after, before, after}), weight.to(x.type()));
}

Array column(const Array& numbers) { return numbers.to(kFloat64).view({1, -1, 1, 1}); }

/// The definition in float64.
Array plain_code(const std::vector<UnfoldedIteration>& iterations, const Array& blocks, const std::vector<float>& sigma,
                 const Array& factors) {
  const Array x = blocks.to(kFloat64), levels = Array::of(sigma).to(kFloat64).view({-1, 1, 1, 1});
  const int64_t side = iterations[0].analysis.size(2);
  Array code;
  for (const UnfoldedIteration& i : iterations) {
    const Array residual = code.defined() ? x - convolved(code, i.synthesis, side / 2) : x;
    Array step = convolved(residual, i.analysis, (side - 1) / 2);
    if (code.defined()) step = step + code;
    Array theta = column(i.floor) + levels * column(i.slope);
    if (factors.defined()) theta = theta * factors;
    if (i.own.defined()) {
      const Array mixed = convolved(square(step), i.down.unsqueeze(2).unsqueeze(3), 0);
      const Array spread = conv2d(mixed, i.pool.to(kFloat64), {}, {{1, 1}, {1, 1}, i.pool.size(0)});
      const Array energy = column(i.own) * square(step) + convolved(spread, i.up.unsqueeze(2).unsqueeze(3), 0) + 1e-10;
      code = step * relu(1.0 - theta / sqrt(energy));
    } else {
      code = sign(step) * relu(abs(step) - theta);
    }
  }
  return code;
}

class UnfoldedCoderOf : public ::testing::TestWithParam<UnfoldedCase> {};

TEST_P(UnfoldedCoderOf, FollowsTheDefinitionByEveryInstructionSet) {
  testing::RandomArrays random(4);
  const UnfoldedCase& c = GetParam();
  const std::vector<UnfoldedIteration> iterations = random_iterations(random, c, 3);
  const std::vector<float> sigma{0.1f, 0.4f};
  const auto allocate = [](const Sizes& sizes) { return Array::empty(sizes, kFloat32, Layout::kChannelsLast); };
  for (const auto& [height, width] : {std::pair{9, 130}, {1, 1}, {20, 7}}) {
    const Array blocks = random.map({2, c.channels, height, width});
    Array factors;
    if (c.factors) factors = (random.uniform({2, c.atoms, height, width}) + 0.5).contiguous(Layout::kChannelsLast);
    const Array expected = plain_code(iterations, blocks, sigma, factors);
    for (const Isa isa : available_isas()) {
      const UnfoldedCoder coder(iterations, isa);
      const Array found = coder.run(blocks, sigma, factors, allocate);
      EXPECT_LT(max(abs(found - expected)), 2e-5 * max(abs(expected)))
          << name_of(isa) << ", " << height << "x" << width;
      const int threads = num_threads();
      set_num_threads(threads == 1 ? 3 : 1);
      EXPECT_TRUE(equal(coder.run(blocks, sigma, factors, allocate), found));
      set_num_threads(threads);
    }
    if (height * width > 1) {
      EXPECT_GT(mean(eq(expected, 0)), 0.02);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, UnfoldedCoderOf,
                         ::testing::Values(UnfoldedCase{4, 96, 4, false, false}, UnfoldedCase{4, 96, 4, true, false},
                                           UnfoldedCase{4, 100, 5, false, true}, UnfoldedCase{12, 48, 4, true, false},
                                           UnfoldedCase{3, 20, 3, false, false}, UnfoldedCase{1, 9, 2, true, false}));

}  // namespace
}  // namespace sscvae::kernels
