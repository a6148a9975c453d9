#include "sscvae/kernels/unfolded_coder.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <ostream>

#include "sscvae/nn/arrays.h"
#include "support/tolerances.h"

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

std::vector<UnfoldedIteration> random_iterations(const UnfoldedCase& c, int count) {
  std::vector<UnfoldedIteration> iterations;
  for (int t = 0; t < count; ++t) {
    UnfoldedIteration i;
    i.analysis = torch::randn({c.atoms, c.channels, c.side, c.side}) * 0.1;
    i.synthesis = torch::randn({c.channels, c.atoms, c.side, c.side}) * 0.05;
    i.floor = at::rand({c.atoms}) * 0.05;
    i.slope = at::rand({c.atoms}) * 6;
    if (c.grouped) {
      i.own = at::rand({c.atoms}) + 0.2;
      i.down = at::rand({5, c.atoms}) / c.atoms;
      i.pool = at::rand({5, 1, 3, 3}) * 0.2;
      i.up = at::rand({c.atoms, 5}) * 0.1;
    }
    iterations.push_back(i);
  }
  return iterations;
}

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, int64_t before) {
  const int64_t after = weight.size(2) - 1 - before;
  return at::conv2d(at::constant_pad_nd(x, {before, after, before, after}), weight.to(x.scalar_type()));
}

at::Tensor column(const at::Tensor& numbers) { return numbers.to(at::kDouble).view({1, -1, 1, 1}); }

/// The definition in float64.
at::Tensor plain_code(const std::vector<UnfoldedIteration>& iterations, const at::Tensor& blocks,
                      const std::vector<float>& sigma, const at::Tensor& factors) {
  const at::Tensor x = blocks.to(at::kDouble), levels = torch::tensor(sigma, at::kDouble).view({-1, 1, 1, 1});
  const int64_t side = iterations[0].analysis.size(2);
  at::Tensor code;
  for (const UnfoldedIteration& i : iterations) {
    const at::Tensor residual = code.defined() ? x - convolved(code, i.synthesis, side / 2) : x;
    at::Tensor step = convolved(residual, i.analysis, (side - 1) / 2);
    if (code.defined()) step = step + code;
    at::Tensor theta = column(i.floor) + levels * column(i.slope);
    if (factors.defined()) theta = theta * factors;
    if (i.own.defined()) {
      const std::array<int64_t, 2> one{1, 1};
      const at::Tensor mixed = convolved(step.square(), i.down.unsqueeze(2).unsqueeze(3), 0);
      const at::Tensor spread = at::conv2d(mixed, as_tensor(i.pool).to(at::kDouble), {}, one, one, one, i.pool.size(0));
      const at::Tensor energy =
          column(i.own) * step.square() + convolved(spread, i.up.unsqueeze(2).unsqueeze(3), 0) + 1e-10;
      code = step * (1 - theta / energy.sqrt()).relu();
    } else {
      code = step.sign() * (step.abs() - theta).relu();
    }
  }
  return code;
}

class UnfoldedCoderOf : public ::testing::TestWithParam<UnfoldedCase> {};

TEST_P(UnfoldedCoderOf, FollowsTheDefinitionByEveryInstructionSet) {
  torch::manual_seed(4);
  const UnfoldedCase& c = GetParam();
  const std::vector<UnfoldedIteration> iterations = random_iterations(c, 3);
  const std::vector<float> sigma{0.1f, 0.4f};
  const auto allocate = [](at::IntArrayRef sizes) {
    return at::empty(sizes, at::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  };
  for (const auto& [height, width] : {std::pair{9, 130}, {1, 1}, {20, 7}}) {
    const at::Tensor blocks = torch::randn({2, c.channels, height, width}).contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor factors;
    if (c.factors) factors = (at::rand({2, c.atoms, height, width}) + 0.5).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor expected = plain_code(iterations, blocks, sigma, factors);
    for (const Isa isa : available_isas()) {
      const UnfoldedCoder coder(iterations, isa);
      const at::Tensor found = coder.run(blocks, sigma, factors, allocate);
      EXPECT_TRUE(testing::is_close(found, expected, 2e-5)) << static_cast<int>(isa) << ", " << height << "x" << width;
      const int threads = at::get_num_threads();
      at::set_num_threads(threads == 1 ? 3 : 1);
      EXPECT_TRUE(at::equal(coder.run(blocks, sigma, factors, allocate), found));
      at::set_num_threads(threads);
    }
    if (height * width > 1) {
      EXPECT_GT((expected == 0).to(at::kDouble).mean().item<double>(), 0.02);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, UnfoldedCoderOf,
                         ::testing::Values(UnfoldedCase{4, 96, 4, false, false}, UnfoldedCase{4, 96, 4, true, false},
                                           UnfoldedCase{4, 100, 5, false, true}, UnfoldedCase{12, 48, 4, true, false},
                                           UnfoldedCase{3, 20, 3, false, false}, UnfoldedCase{1, 9, 2, true, false}));

}  // namespace
}  // namespace sscvae::kernels
