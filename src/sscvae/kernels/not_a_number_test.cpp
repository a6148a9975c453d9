#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <limits>

#include "sscvae/kernels/bfloat16_convolution.h"
#include "sscvae/kernels/group_norm.h"
#include "sscvae/kernels/group_shrink.h"
#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/kernels/noise_shrink.h"
#include "sscvae/kernels/norm_act.h"
#include "sscvae/kernels/pointwise.h"
#include "sscvae/kernels/test_units.h"
#include "sscvae/kernels/unfolded_coder.h"
#include "sscvae/kernels/winograd.h"
#include "sscvae/nn/arrays.h"

/// Whatever has seen a NaN is one, in every kernel and by every instruction set, as in LibTorch's relu and max_pool2d.
namespace sscvae::kernels {
namespace {

constexpr auto kInnermost = at::MemoryFormat::ChannelsLast;
constexpr Act kActs[] = {Act::kNone, Act::kRelu, Act::kSilu};

/// Of either sign: which one arithmetic makes depends on the processor.
const std::array<float, 2> kNans{std::numeric_limits<float>::quiet_NaN(),
                                 std::copysign(std::numeric_limits<float>::quiet_NaN(), -1.0F)};

at::Tensor map_with(float nan, at::IntArrayRef sizes) {
  at::Tensor x = torch::randn(sizes).contiguous(kInnermost);
  x[0][3][5][6] = nan;
  return x;
}

/// Which results see it [1,1,H,W].
at::Tensor seen_by(int64_t kernel, const at::Tensor& x, bool pool) {
  const at::Tensor spoiled = x.to(at::kFloat).isnan().any(1, true).to(at::kFloat);
  const at::Tensor seen = at::max_pool2d(spoiled, {kernel, kernel}, {1, 1}, {kernel / 2, kernel / 2});
  return (pool ? at::max_pool2d(seen, {2, 2}, {2, 2}) : seen) > 0;
}

/// Where `must` says; never in the far corner, which sees nothing of it.
void expect_nan(const at::Tensor& found, const at::Tensor& must) {
  const at::Tensor is_nan = found.to(at::kFloat).isnan();
  EXPECT_TRUE(is_nan.logical_or(must.logical_not()).all().item<bool>());
  EXPECT_FALSE(is_nan.select(2, is_nan.size(2) - 1).select(2, is_nan.size(3) - 1).any().item<bool>());
}

std::vector<Epilogue> all_epilogues(bool pooling) {
  std::vector<Epilogue> all;
  for (const bool input_relu : {false, true})
    for (const Act act : kActs)
      for (const bool pool : {false, true}) {
        if (pool && !pooling) continue;
        all.emplace_back();
        all.back().input_relu = input_relu;
        all.back().activation = act;
        all.back().pool = pool;
      }
  return all;
}

template <class Kernel>
void check_convolution(const Kernel& kernel, int64_t side, const at::Tensor& x, bool pooling) {
  for (const Epilogue& epilogue : all_epilogues(pooling)) {
    const int64_t factor = epilogue.pool ? 2 : 1;
    at::Tensor out = at::empty({1, 40, x.size(2) / factor, x.size(3) / factor}, x.options(), kInnermost);
    kernel.run(x, out, epilogue);
    expect_nan(out, seen_by(side, x, epilogue.pool));
  }
}

TEST(NotANumber, StaysOneInConvolutions) {
  torch::manual_seed(1);
  for (const float nan : kNans) {
    const at::Tensor x = map_with(nan, {1, 32, 18, 26});
    for (const Isa isa : available_isas()) {
      check_convolution(Winograd(torch::randn({40, 32, 3, 3}), torch::randn({40}), isa), 3, x, true);
      check_convolution(Pointwise(torch::randn({40, 32, 1, 1}), torch::randn({40}), isa), 1, x, false);
    }
  }
}

TEST(NotANumber, StaysOneInConvolutionsOfBfloat16) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(2);
  for (const float nan : kNans)
    for (const Bfloat16Unit unit : testable_bfloat16_units()) {
      const at::Tensor x = map_with(nan, {1, 32, 18, 26}).to(at::kBFloat16);
      const at::Tensor wide = torch::randn({40, 32, 3, 3}), narrow = torch::randn({40, 32, 1, 1});
      check_convolution(Bfloat16Convolution(wide, torch::randn({40}), {3, 3, -1, -1}, {}, unit), 3, x, true);
      check_convolution(Bfloat16Convolution(narrow, torch::randn({40}), {}, {}, unit), 1, x, true);
    }
}

TEST(NotANumber, StaysOneInNormalisedMaps) {
  torch::manual_seed(3);
  for (const float nan : kNans)
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
      for (const Act act : kActs) {
        const at::Tensor x = map_with(nan, {1, 32, 18, 26}).to(type);
        for (const Isa isa : available_isas())
          for (const bool pool : {false, true}) {
            if (pool && act != Act::kRelu) continue;
            const at::Tensor out = norm_act(x, torch::randn({1, 32}), torch::randn({1, 32}), {act, pool, isa});
            expect_nan(out.narrow(1, 3, 1), seen_by(1, x, pool));
          }
        if (type == at::kBFloat16 && !has_bfloat16_kernels()) continue;
        at::Tensor out = at::empty_like(x);
        group_norm(x, 8, 1e-5, torch::randn({32}), torch::randn({32}), act, out);
        EXPECT_TRUE(out.narrow(1, 0, 4).isnan().all().item<bool>());  // its group
        EXPECT_FALSE(out.narrow(1, 4, 28).isnan().any().item<bool>());
      }
}

TEST(NotANumber, StaysOneInShrinkage) {
  constexpr size_t kAtoms = 40, kAt = 21;
  for (const float nan : kNans)
    for (const Isa isa : available_isas())
      for (int spoiled = 0; spoiled < 3; ++spoiled) {
        std::array<std::vector<float>, 3> maps;  // step, previous code or pooled energy, factors
        maps.fill(std::vector<float>(kAtoms, 0.25F));
        maps[static_cast<size_t>(spoiled)][kAt] = nan;
        const std::vector<float> line(kAtoms, 0.1F);
        std::vector<float> code(kAtoms);
        noise_shrink({maps[0].data(), maps[1].data(), maps[2].data(), line.data(), line.data(), 1, kAtoms}, code.data(),
                     1, isa);
        for (size_t k = 0; k < kAtoms; ++k) EXPECT_EQ(std::isnan(code[k]), k == kAt) << spoiled;
        if (spoiled == 2) continue;
        group_shrink({maps[0].data(), maps[1].data(), line.data(), line.data(), line.data(), 1, kAtoms}, code.data(), 1,
                     isa);
        for (size_t k = 0; k < kAtoms; ++k) EXPECT_EQ(std::isnan(code[k]), k == kAt) << spoiled;
      }
}

ListaProblem coding_problem(int64_t atoms, bool projected) {
  const at::Tensor dictionary = torch::randn({16, atoms}) / 4;
  const at::Tensor lipschitz = dictionary.square().sum();  // at least the largest eigenvalue
  return {torch::randn({70, 16}), dictionary, lipschitz, torch::rand({70, atoms}) * 0.1, 4, projected};
}

/// NaN features spoil all atoms of their position, a NaN threshold at least its own; other positions nothing.
template <class Solve>
void check_coding(ListaProblem problem, const Solve& solve) {
  for (const float nan : kNans) {
    ListaProblem spoiled = problem;
    spoiled.features = problem.features.clone();
    as_tensor(spoiled.features)[3][5] = nan;
    EXPECT_TRUE(at::equal(as_tensor(solve(spoiled)).isnan().all(1), at::arange(70) == 3));
    spoiled.features = problem.features.clone();
    spoiled.features.select(0, 9).zero_();  // nothing to shrink
    spoiled.threshold = problem.threshold.clone();
    as_tensor(spoiled.threshold)[9][7] = nan;
    EXPECT_TRUE(at::equal(as_tensor(solve(spoiled)).select(1, 7).isnan(), at::arange(70) == 9));
  }
}

TEST(NotANumber, StaysOneInUnfoldedShrinkage) {
  torch::manual_seed(4);
  for (const int64_t atoms : {24, 96})  // by S, by D^T and D
    for (const bool projected : {false, true}) {
      ListaProblem problem = coding_problem(atoms, projected);
      for (const Isa isa : available_isas()) {
        problem.isa = isa;
        check_coding(problem, lista_forward);
      }
      if (!supports(Precision::kBfloat16)) continue;
      problem.precision = Precision::kBfloat16;
      check_coding(problem, lista_forward);
    }
}

TEST(NotANumber, StaysOneInTheUnfoldedCoder) {
  torch::manual_seed(5);
  for (const bool grouped : {false, true}) {
    std::vector<UnfoldedIteration> iterations(3);
    for (UnfoldedIteration& i : iterations) {
      i.analysis = torch::randn({20, 4, 3, 3}) * 0.1;
      i.synthesis = torch::randn({4, 20, 3, 3}) * 0.1;
      i.floor = i.slope = torch::rand({20}) * 0.1;
      if (!grouped) continue;
      i.own = torch::rand({20});
      i.down = torch::rand({5, 20});
      i.pool = torch::rand({5, 1, 3, 3});
      i.up = torch::rand({20, 5});
    }
    const auto allocate = [](at::IntArrayRef sizes) {
      return at::empty(sizes, at::TensorOptions().memory_format(kInnermost));
    };
    for (const float nan : kNans)
      for (const Isa isa : available_isas()) {
        const UnfoldedCoder coder(iterations, isa);
        const at::Tensor blocks = map_with(nan, {1, 4, 30, 40});
        expect_nan(coder.run(blocks, {0.1F}, {}, allocate), seen_by(3, blocks, false));
        if (grouped) continue;
        const at::Tensor factors = map_with(nan, {1, 20, 30, 40}).abs_();
        const at::Tensor code =
            coder.run(torch::randn({1, 4, 30, 40}).contiguous(kInnermost), {0.1F}, factors, allocate);
        EXPECT_TRUE(code[0][3][5][6].isnan().item<bool>());
      }
  }
}

}  // namespace
}  // namespace sscvae::kernels
