#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "sscvae/array/maps.h"
#include "sscvae/array/reductions.h"
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
#include "support/random_arrays.h"

/// Whatever has seen a NaN is one, in every kernel and by every instruction set, as in LibTorch's relu and max_pool2d.
namespace sscvae::kernels {
namespace {

constexpr auto kInnermost = Layout::kChannelsLast;
using testing::RandomArrays;
constexpr Act kActs[] = {Act::kNone, Act::kRelu, Act::kSilu};

/// Of either sign: which one arithmetic makes depends on the processor.
const std::array<float, 2> kNans{std::numeric_limits<float>::quiet_NaN(),
                                 std::copysign(std::numeric_limits<float>::quiet_NaN(), -1.0F)};

Array map_with(RandomArrays& random, float nan, const Sizes& sizes) {
  const Array x = random.map(sizes);
  x.select(0, 0).select(0, 3).select(0, 5).select(0, 6).fill_(double{nan});
  return x;
}

Array is_nan(const Array& x) { return ne(x, x); }

/// Which results see it [1,1,H,W].
Array seen_by(int64_t kernel, const Array& x, bool pool) {
  const Array spoiled = amax(is_nan(x.to(kFloat32)).to(kFloat32), {1}, true);
  const Array seen = max_pool2d(spoiled, {{kernel, kernel}, {1, 1}, {kernel / 2, kernel / 2}});
  return gt(pool ? max_pool2d(seen, {{2, 2}, {2, 2}}) : seen, 0);
}

/// Where `must` says; never in the far corner, which sees nothing of it.
void expect_nan(const Array& found, const Array& must) {
  const Array nan = is_nan(found.to(kFloat32));
  EXPECT_TRUE(all(logical_or(nan, logical_not(must))));
  EXPECT_FALSE(any(nan.select(2, nan.size(2) - 1).select(2, nan.size(3) - 1)));
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
void check_convolution(const Kernel& kernel, int64_t side, const Array& x, bool pooling) {
  for (const Epilogue& epilogue : all_epilogues(pooling)) {
    const int64_t factor = epilogue.pool ? 2 : 1;
    Array out = Array::empty({1, 40, x.size(2) / factor, x.size(3) / factor}, x.type(), kInnermost);
    kernel.run(x, out, epilogue);
    expect_nan(out, seen_by(side, x, epilogue.pool));
  }
}

TEST(NotANumber, StaysOneInConvolutions) {
  RandomArrays random(1);
  for (const float nan : kNans) {
    const Array x = map_with(random, nan, {1, 32, 18, 26});
    for (const Isa isa : available_isas()) {
      check_convolution(Winograd(random.normal({40, 32, 3, 3}), random.normal({40}), isa), 3, x, true);
      check_convolution(Pointwise(random.normal({40, 32, 1, 1}), random.normal({40}), isa), 1, x, false);
    }
  }
}

TEST(NotANumber, StaysOneInConvolutionsOfBfloat16) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  RandomArrays random(2);
  for (const float nan : kNans)
    for (const Bfloat16Unit unit : testable_bfloat16_units()) {
      const Array x = map_with(random, nan, {1, 32, 18, 26}).to(kBFloat16);
      const Array wide = random.normal({40, 32, 3, 3}), narrow = random.normal({40, 32, 1, 1});
      check_convolution(Bfloat16Convolution(wide, random.normal({40}), {3, 3, -1, -1}, {}, unit), 3, x, true);
      check_convolution(Bfloat16Convolution(narrow, random.normal({40}), {}, {}, unit), 1, x, true);
    }
}

TEST(NotANumber, StaysOneInNormalisedMaps) {
  RandomArrays random(3);
  for (const float nan : kNans)
    for (const DataType type : {kFloat32, kBFloat16})
      for (const Act act : kActs) {
        const Array x = map_with(random, nan, {1, 32, 18, 26}).to(type);
        for (const Isa isa : available_isas())
          for (const bool pool : {false, true}) {
            if (pool && act != Act::kRelu) continue;
            const Array out = norm_act(x, random.normal({1, 32}), random.normal({1, 32}), {act, pool, isa});
            expect_nan(out.narrow(1, 3, 1), seen_by(1, x, pool));
          }
        if (type == kBFloat16 && !has_bfloat16_kernels()) continue;
        Array out = empty_like(x);
        group_norm(x, 8, 1e-5, random.normal({32}), random.normal({32}), act, out);
        EXPECT_TRUE(all(is_nan(out.narrow(1, 0, 4))));  // its group
        EXPECT_FALSE(any(is_nan(out.narrow(1, 4, 28))));
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

ListaProblem coding_problem(RandomArrays& random, int64_t atoms, bool projected) {
  const Array dictionary = random.normal({16, atoms}) / 4;
  const Array lipschitz = Array::scalar(sum(square(dictionary)));  // at least the largest eigenvalue
  return {random.normal({70, 16}), dictionary, lipschitz, random.uniform({70, atoms}) * 0.1, 4, projected};
}

/// NaN features spoil all atoms of their position, a NaN threshold at least its own; other positions nothing.
template <class Solve>
void check_coding(ListaProblem problem, const Solve& solve) {
  for (const float nan : kNans) {
    ListaProblem spoiled = problem;
    spoiled.features = problem.features.clone();
    spoiled.features.select(0, 3).select(0, 5).fill_(double{nan});
    EXPECT_TRUE(equal(amin(is_nan(solve(spoiled)).to(kFloat32), {1}), eq(Array::range(70), 3).to(kFloat32)));
    spoiled.features = problem.features.clone();
    spoiled.features.select(0, 9).zero_();  // nothing to shrink
    spoiled.threshold = problem.threshold.clone();
    spoiled.threshold.select(0, 9).select(0, 7).fill_(double{nan});
    EXPECT_TRUE(equal(is_nan(solve(spoiled).select(1, 7)), eq(Array::range(70), 9)));
  }
}

TEST(NotANumber, StaysOneInUnfoldedShrinkage) {
  RandomArrays random(4);
  for (const int64_t atoms : {24, 96})  // by S, by D^T and D
    for (const bool projected : {false, true}) {
      ListaProblem problem = coding_problem(random, atoms, projected);
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
  RandomArrays random(5);
  for (const bool grouped : {false, true}) {
    std::vector<UnfoldedIteration> iterations(3);
    for (UnfoldedIteration& i : iterations) {
      i.analysis = random.normal({20, 4, 3, 3}) * 0.1;
      i.synthesis = random.normal({4, 20, 3, 3}) * 0.1;
      i.floor = i.slope = random.uniform({20}) * 0.1;
      if (!grouped) continue;
      i.own = random.uniform({20});
      i.down = random.uniform({5, 20});
      i.pool = random.uniform({5, 1, 3, 3});
      i.up = random.uniform({20, 5});
    }
    const auto allocate = [](const Sizes& sizes) { return Array::empty(sizes, kFloat32, Layout::kChannelsLast); };
    for (const float nan : kNans)
      for (const Isa isa : available_isas()) {
        const UnfoldedCoder coder(iterations, isa);
        const Array blocks = map_with(random, nan, {1, 4, 30, 40});
        expect_nan(coder.run(blocks, {0.1F}, {}, allocate), seen_by(3, blocks, false));
        if (grouped) continue;
        const Array factors = abs(map_with(random, nan, {1, 20, 30, 40}));
        const Array code = coder.run(random.map({1, 4, 30, 40}), {0.1F}, factors, allocate);
        EXPECT_TRUE(any(is_nan(code.select(0, 0).select(0, 3).select(0, 5).select(0, 6))));
      }
  }
}

}  // namespace
}  // namespace sscvae::kernels
