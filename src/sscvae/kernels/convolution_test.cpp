#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "sscvae/array/maps.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/kernels/bfloat16_convolution.h"
#include "sscvae/kernels/group_norm.h"
#include "sscvae/kernels/pointwise.h"
#include "sscvae/kernels/test_units.h"
#include "sscvae/kernels/winograd.h"
#include "support/random_arrays.h"

/// Every kernel against the plain operations, at sizes that do not fit tiles, vectors or panels.
namespace sscvae::kernels {
namespace {

constexpr auto kChannelsLast = Layout::kChannelsLast;
using testing::RandomArrays;

struct Case {
  int64_t batch, in, out, height, width;
};
const std::vector<Case> kCases{
    {1, 16, 32, 8, 8}, {2, 32, 40, 13, 7}, {1, 48, 1, 5, 33}, {1, 64, 130, 1, 1}, {3, 16, 64, 6, 150}};

/// A map full of what no kernel would write.
Array unwritten(const Sizes& sizes, DataType type) { return Array::empty(sizes, type, kChannelsLast).fill_(77.0); }

Array activated(const Array& x, Act act) { return act == Act::kRelu ? relu(x) : act == Act::kSilu ? silu(x) : x; }

/// Stride 1 and a border that keeps the size, in double.
Array convolved(const Array& x, const Array& weight, const Array& bias) {
  const int64_t border = weight.size(2) / 2;
  ConvolutionForm form;
  form.padding = {border, border};
  return conv2d(x.to(kFloat64), weight.to(kFloat64), bias.defined() ? bias.to(kFloat64) : bias, form);
}

/// What Epilogue says, one operation after the other, in double.
Array expected(const Array& x, const Array& weight, const Array& bias, const Epilogue& epilogue) {
  Array y = activated(convolved(epilogue.input_relu ? relu(x) : x, weight, bias), epilogue.activation);
  if (epilogue.residual.defined()) y = y + epilogue.residual.to(kFloat64);
  return (epilogue.pool ? max_pool2d(y, {{2, 2}, {2, 2}}) : y).to(kFloat32);
}

std::vector<Epilogue> epilogues(RandomArrays& random, const Sizes& sizes, DataType type, bool pooling) {
  Epilogue plain, relu, silu, pooled;
  relu.input_relu = true;
  relu.activation = Act::kRelu;
  silu.activation = Act::kSilu;
  silu.residual = random.map(sizes).to(type).contiguous(kChannelsLast);
  pooled.activation = Act::kRelu;
  pooled.pool = true;
  std::vector<Epilogue> all{plain, relu, silu};
  if (pooling && sizes[2] > 1 && sizes[3] > 1) all.push_back(pooled);
  return all;
}

double largest(const Array& x) { return max(abs(x)); }

void expect_near(const Array& found, const Array& wanted, double tolerance) {
  ASSERT_EQ(found.sizes(), wanted.sizes());
  EXPECT_LT(largest(found.to(kFloat32) - wanted), tolerance * std::max(1.0, largest(wanted)));
}

TEST(Winograd, EqualsTheConvolution) {
  RandomArrays random(1);
  for (const Isa isa : available_isas())
    for (const Case& c : kCases) {
      const Array x = random.map({c.batch, c.in, c.height, c.width});
      const Array weight = random.normal({c.out, c.in, 3, 3}) / std::sqrt(9.0 * static_cast<double>(c.in));
      const Array bias = random.normal({c.out});
      const Winograd kernel(weight, bias, isa);
      for (const Epilogue& epilogue : epilogues(random, {c.batch, c.out, c.height, c.width}, kFloat32, true)) {
        const Array wanted = expected(x, weight, bias, epilogue);
        Array out = unwritten(wanted.sizes(), kFloat32);
        kernel.run(x, out, epilogue);
        expect_near(out, wanted, 3e-5);
      }
    }
}

TEST(Winograd, IsAsExactAsItSays) {
  RandomArrays random(2);
  const Array x = random.map({1, 128, 32, 32}), weight = random.normal({64, 128, 3, 3}) / std::sqrt(9 * 128.0);
  const Array wanted = expected(x, weight, {}, {});
  Array out = unwritten(wanted.sizes(), kFloat32);
  Winograd(weight, {}).run(x, out, {});
  const Array error = abs(out - wanted);
  EXPECT_LT(max(error), 3e-5 * largest(wanted));
  EXPECT_LT(mean(error), 3e-6 * largest(wanted));
}

TEST(Winograd, TakesWeightsInAnyOrder) {
  RandomArrays random(8);
  const Array x = random.map({1, 32, 9, 6}), weight = random.normal({32, 48, 3, 3}) / std::sqrt(9 * 48.0);
  const Array turned = flip(weight, {2, 3}).transpose(0, 1);
  Array out = unwritten({1, 48, 9, 6}, kFloat32);
  Winograd(turned, {}).run(x, out, {});
  expect_near(out, expected(x, turned, {}, {}), 3e-5);
}

/// [P,C] of all pixels.
Array pixel_rows(const Array& map) { return map.permute({0, 2, 3, 1}).reshape({-1, map.size(1)}); }

/// In float64, for each tap the product of gradients with the inputs that it sees.
Array expected_weight_gradient(const Array& x, const Array& gradient, bool input_relu) {
  const Array border = pad((input_relu ? relu(x) : x).to(kFloat64), {1, 1, 1, 1});
  const Array outs = pixel_rows(gradient.to(kFloat64)).t();
  std::vector<Array> taps;
  for (int64_t tap = 0; tap < 9; ++tap)
    taps.push_back(mm(outs, pixel_rows(border.narrow(2, tap / 3, x.size(2)).narrow(3, tap % 3, x.size(3)))));
  return stack(taps, 2).reshape({gradient.size(1), x.size(1), 3, 3});
}

TEST(Winograd, WeightGradientIsThatOfTheConvolution) {
  RandomArrays random(7);
  for (const auto& [batch, ins, outs, height, width] :
       {std::tuple{1, 16, 16, 8, 8}, {2, 32, 64, 9, 33}, {1, 80, 48, 5, 130}, {3, 144, 32, 37, 20}, {1, 64, 96, 1, 1}})
    for (const bool input_relu : {false, true}) {
      const Array x = random.map({batch, ins, height, width}), gradient = random.map({batch, outs, height, width});
      const Array wanted = expected_weight_gradient(x, gradient, input_relu);
      for (const Isa isa : available_isas()) {
        const Array found = winograd_weight_gradient(x, gradient, input_relu, isa);
        ASSERT_EQ(found.sizes(), wanted.sizes());
        EXPECT_LT(largest(found - wanted), 2e-5 * largest(wanted))
            << ins << " -> " << outs << ", " << height << "x" << width;
      }
    }
}

TEST(Winograd, WeightGradientsOfManyTilesAreAddedUp) {  // 8192, more than scratch memory holds
  RandomArrays random(9);
  const Array x = random.map({8, 32, 128, 128}), gradient = random.map({8, 32, 128, 128});
  const Array wanted = expected_weight_gradient(x, gradient, false);
  const Array found = winograd_weight_gradient(x, gradient, false);
  EXPECT_LT(largest(found - wanted), 1e-4 * largest(wanted));
}

TEST(Pointwise, EqualsTheConvolutionAlsoIntoAPhase) {
  RandomArrays random(3);
  for (const Isa isa : available_isas())
    for (const Case& c : kCases) {
      const Array x = random.map({c.batch, c.in, c.height, c.width});
      const Array weight = random.normal({c.out, c.in, 1, 1}) / std::sqrt(static_cast<double>(c.in));
      const Array bias = random.normal({c.out});
      const Pointwise kernel(weight, bias, isa);
      for (const Epilogue& epilogue : epilogues(random, {c.batch, c.out, c.height, c.width}, kFloat32, false)) {
        const Array wanted = expected(x, weight, bias, epilogue);
        Array out = unwritten(wanted.sizes(), kFloat32);
        kernel.run(x, out, epilogue);
        expect_near(out, wanted, 1e-5);
      }
      Array large = unwritten({c.batch, c.out, 2 * c.height, 2 * c.width}, kFloat32).zero_();
      Array phase = large.slice(2, 1, 2 * c.height, 2).slice(3, 0, 2 * c.width, 2);
      kernel.run(x, phase, {});
      expect_near(phase, expected(x, weight, bias, {}), 1e-5);
      EXPECT_NEAR(sum(abs(large)), sum(abs(phase)), 1e-3) << "other phases were written";
    }
}

/// Values that bfloat16 holds exactly, so that only sums and the result are rounded.
Array rounded(const Array& x) { return x.to(kBFloat16).to(kFloat32); }

/// What Winograd's transforms, rounded, may be off by.
double tolerance(Bfloat16Unit unit, int64_t kernel, DataType out) {
  if (unit == Bfloat16Unit::kAvx512 && kernel == 3) return 1e-2;
  return out == kFloat32 ? 1e-5 : 5e-3;
}

TEST(Bfloat16Convolution, EqualsTheConvolution) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  RandomArrays random(4);
  for (const Case& c : kCases)
    for (const int64_t kernel_size : {1, 3}) {
      const Array x = random.map({c.batch, c.in, c.height, c.width}).to(kBFloat16);
      const Array weight =
          rounded(random.normal({c.out, c.in, kernel_size, kernel_size}) / std::sqrt(9.0 * static_cast<double>(c.in)));
      const Array bias = random.normal({c.out});
      const Taps taps = kernel_size == 3 ? Taps{3, 3, -1, -1} : Taps{};
      for (const Epilogue& epilogue : epilogues(random, {c.batch, c.out, c.height, c.width}, kBFloat16, true)) {
        const Array wanted = expected(x.to(kFloat32), weight, bias, epilogue);
        for (const Bfloat16Unit unit : testable_bfloat16_units())
          for (const DataType type : {kFloat32, kBFloat16}) {
            if (type == kFloat32 && epilogue.residual.defined()) continue;
            Array out = unwritten(wanted.sizes(), type);
            Bfloat16Convolution(weight, bias, taps, {}, unit).run(x, out, epilogue);
            expect_near(out, wanted, tolerance(unit, kernel_size, type));
          }
      }
    }
}

TEST(Bfloat16Convolution, AppendedConvolutionMakesAResidualBlock) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  RandomArrays random(5);
  for (const Case& c : {Case{2, 64, 32, 13, 7}, Case{1, 96, 40, 6, 150}}) {
    const Array x = random.map({c.batch, c.in, c.height, c.width}).to(kBFloat16);
    const Array narrow = rounded(random.normal({c.out, c.in, 3, 3}) / std::sqrt(9.0 * static_cast<double>(c.in)));
    const Array widen = rounded(random.normal({c.in, c.out, 1, 1}) / std::sqrt(static_cast<double>(c.out)));
    Epilogue epilogue;
    epilogue.input_relu = true;
    epilogue.activation = Act::kRelu;
    const Array middle = rounded(expected(x.to(kFloat32), narrow, {}, epilogue));
    const Array wanted = x.to(kFloat32) + conv2d(middle, widen);
    epilogue.residual = x;
    for (const Bfloat16Unit unit : testable_bfloat16_units()) {
      Bfloat16Convolution kernel(narrow, {}, {3, 3, -1, -1}, {}, unit);
      kernel.append(widen, {});
      Array out = unwritten(wanted.sizes(), kBFloat16);
      kernel.run(x, out, epilogue);
      expect_near(out, wanted, 1e-2);
    }
  }
}

TEST(Kernels, ThreadsChangeNothing) {
  RandomArrays random(6);
  const Array x = random.map({1, 64, 37, 41}), weight = random.normal({96, 64, 3, 3}), bias = random.normal({96});
  const Array narrow = x.to(kBFloat16);
  const int before = num_threads();
  std::vector<Array> winograd, gradient, norm;
  const std::vector<Bfloat16Unit> units = testable_bfloat16_units();
  std::array<std::vector<Array>, 2> bfloat16;  // unit by unit
  for (const int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    winograd.push_back(unwritten({1, 96, 37, 41}, kFloat32));
    Winograd(weight, bias).run(x, winograd.back(), {});
    gradient.push_back(winograd_weight_gradient(x, winograd[0], false));
    norm.push_back(empty_like(x));
    group_norm(x, 4, 1e-5, Array::ones({64}), Array::zeros({64}), Act::kSilu, norm.back());
    for (size_t i = 0; i < units.size(); ++i) {
      bfloat16[i].push_back(unwritten({1, 96, 37, 41}, kBFloat16));
      Bfloat16Convolution(weight, bias, {3, 3, -1, -1}, {}, units[i]).run(narrow, bfloat16[i].back(), {});
    }
  }
  set_num_threads(before);
  for (const auto& results : {winograd, gradient, bfloat16[0], bfloat16[1], norm})
    for (const Array& result : results) EXPECT_TRUE(equal(result, results[0]));
}

TEST(GroupNorm, EqualsTheLayer) {
  RandomArrays random(7);
  for (const DataType type : {kFloat32, kBFloat16}) {
    if (type == kBFloat16 && !has_bfloat16_kernels()) continue;
    for (const Act act : {Act::kNone, Act::kRelu, Act::kSilu}) {
      const Array x = (random.map({2, 48, 37, 53}) * 3 + 5).to(type);
      const Array weight = random.normal({48}), bias = random.normal({48});
      const Array wanted = activated(sscvae::group_norm(x.to(kFloat32), 6, weight, bias, 1e-5), act);
      Array out = empty_like(x);
      group_norm(x, 6, 1e-5, weight, bias, act, out);
      expect_near(out, wanted, type == kFloat32 ? 1e-5 : 5e-3);
    }
  }
}

}  // namespace
}  // namespace sscvae::kernels
