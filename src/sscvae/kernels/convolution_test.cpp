#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/kernels/bfloat16_convolution.h"
#include "sscvae/kernels/group_norm.h"
#include "sscvae/kernels/pointwise.h"
#include "sscvae/kernels/test_units.h"
#include "sscvae/kernels/winograd.h"
#include "sscvae/nn/arrays.h"

/// Every kernel against the plain operations, at sizes that do not fit tiles, vectors or panels.
namespace sscvae::kernels {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

struct Case {
  int64_t batch, in, out, height, width;
};
const std::vector<Case> kCases{
    {1, 16, 32, 8, 8}, {2, 32, 40, 13, 7}, {1, 48, 1, 5, 33}, {1, 64, 130, 1, 1}, {3, 16, 64, 6, 150}};

at::Tensor map(const std::vector<int64_t>& sizes) { return torch::randn(sizes).contiguous(kChannelsLast); }

/// A map full of what no kernel would write.
at::Tensor unwritten(at::IntArrayRef sizes, at::ScalarType type) {
  return at::empty(sizes, at::TensorOptions().dtype(type), kChannelsLast).fill_(77.0);
}

at::Tensor activated(const at::Tensor& x, Act act) {
  return act == Act::kRelu ? at::relu(x) : act == Act::kSilu ? at::silu(x) : x;
}

/// What Epilogue says, one operation after the other, in double.
at::Tensor expected(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Epilogue& epilogue) {
  const at::Tensor input = (epilogue.input_relu ? at::relu(x) : x).to(at::kDouble);
  at::Tensor y =
      at::conv2d(input, weight.to(at::kDouble), bias.defined() ? bias.to(at::kDouble) : bias, 1, weight.size(2) / 2);
  y = activated(y, epilogue.activation);
  if (epilogue.residual.defined()) y = y + as_tensor(epilogue.residual).to(at::kDouble);
  return (epilogue.pool ? at::max_pool2d(y, {2, 2}, {2, 2}) : y).to(at::kFloat);
}

std::vector<Epilogue> epilogues(const at::Tensor& like, at::ScalarType type, bool pooling) {
  Epilogue plain, relu, silu, pooled;
  relu.input_relu = true;
  relu.activation = Act::kRelu;
  silu.activation = Act::kSilu;
  silu.residual = torch::randn_like(like).to(type).contiguous(kChannelsLast);
  pooled.activation = Act::kRelu;
  pooled.pool = true;
  std::vector<Epilogue> all{plain, relu, silu};
  if (pooling && like.size(2) > 1 && like.size(3) > 1) all.push_back(pooled);
  return all;
}

void expect_near(const at::Tensor& found, const at::Tensor& wanted, double tolerance) {
  ASSERT_EQ(found.sizes(), wanted.sizes());
  const double scale = std::max(1.0, wanted.abs().max().item<double>());
  EXPECT_LT((found.to(at::kFloat) - wanted).abs().max().item<double>(), tolerance * scale);
}

TEST(Winograd, EqualsTheConvolution) {
  torch::manual_seed(1);
  for (const Isa isa : available_isas())
    for (const Case& c : kCases) {
      const at::Tensor x = map({c.batch, c.in, c.height, c.width});
      const at::Tensor weight = torch::randn({c.out, c.in, 3, 3}) / std::sqrt(9.0 * static_cast<double>(c.in));
      const at::Tensor bias = torch::randn({c.out});
      const Winograd kernel(weight, bias, isa);
      for (const Epilogue& epilogue : epilogues(map({c.batch, c.out, c.height, c.width}), at::kFloat, true)) {
        const at::Tensor wanted = expected(x, weight, bias, epilogue);
        at::Tensor out = unwritten(wanted.sizes(), at::kFloat);
        kernel.run(x, out, epilogue);
        expect_near(out, wanted, 3e-5);
      }
    }
}

TEST(Winograd, IsAsExactAsItSays) {
  torch::manual_seed(2);
  const at::Tensor x = map({1, 128, 32, 32}), weight = torch::randn({64, 128, 3, 3}) / std::sqrt(9 * 128.0);
  const at::Tensor wanted = expected(x, weight, {}, {});
  at::Tensor out = unwritten(wanted.sizes(), at::kFloat);
  Winograd(weight, {}).run(x, out, {});
  const at::Tensor error = (out - wanted).abs();
  EXPECT_LT(error.max().item<double>(), 3e-5 * wanted.abs().max().item<double>());
  EXPECT_LT(error.mean().item<double>(), 3e-6 * wanted.abs().max().item<double>());
}

TEST(Winograd, TakesWeightsInAnyOrder) {
  torch::manual_seed(8);
  const at::Tensor x = map({1, 32, 9, 6}), weight = torch::randn({32, 48, 3, 3}) / std::sqrt(9 * 48.0);
  const at::Tensor turned = weight.flip({2, 3}).transpose(0, 1);
  at::Tensor out = unwritten({1, 48, 9, 6}, at::kFloat);
  Winograd(turned, {}).run(x, out, {});
  expect_near(out, expected(x, turned, {}, {}), 3e-5);
}

/// In float64 by autograd.
at::Tensor expected_weight_gradient(const at::Tensor& x, const at::Tensor& gradient, bool input_relu) {
  const at::Tensor weight = torch::zeros({gradient.size(1), x.size(1), 3, 3}, at::kDouble).requires_grad_(true);
  const at::Tensor input = (input_relu ? at::relu(x) : x).to(at::kDouble);
  at::conv2d(input, weight, {}, 1, 1).backward(gradient.to(at::kDouble));
  return weight.grad();
}

TEST(Winograd, WeightGradientIsThatOfTheConvolution) {
  torch::manual_seed(7);
  for (const auto& [batch, ins, outs, height, width] :
       {std::tuple{1, 16, 16, 8, 8}, {2, 32, 64, 9, 33}, {1, 80, 48, 5, 130}, {3, 144, 32, 37, 20}, {1, 64, 96, 1, 1}})
    for (const bool input_relu : {false, true}) {
      const at::Tensor x = map({batch, ins, height, width}), gradient = map({batch, outs, height, width});
      const at::Tensor wanted = expected_weight_gradient(x, gradient, input_relu);
      for (const Isa isa : available_isas()) {
        const at::Tensor found = winograd_weight_gradient(x, gradient, input_relu, isa);
        ASSERT_EQ(found.sizes(), wanted.sizes());
        EXPECT_LT((found - wanted).abs().max().item<double>(), 2e-5 * wanted.abs().max().item<double>())
            << ins << " -> " << outs << ", " << height << "x" << width;
      }
    }
}

TEST(Winograd, WeightGradientsOfManyTilesAreAddedUp) {  // more than scratch memory holds
  torch::manual_seed(9);
  const at::Tensor x = map({2, 512, 64, 64}), gradient = map({2, 256, 64, 64});
  const at::Tensor wanted =
      std::get<1>(at::convolution_backward(gradient, x, torch::zeros({256, 512, 3, 3}), std::nullopt, {1, 1}, {1, 1},
                                           {1, 1}, false, {0, 0}, 1, {false, true, false}));
  const at::Tensor found = winograd_weight_gradient(x, gradient, false);
  EXPECT_LT((found - wanted).abs().max().item<double>(), 3e-5 * wanted.abs().max().item<double>());
}

TEST(Pointwise, EqualsTheConvolutionAlsoIntoAPhase) {
  torch::manual_seed(3);
  for (const Isa isa : available_isas())
    for (const Case& c : kCases) {
      const at::Tensor x = map({c.batch, c.in, c.height, c.width});
      const at::Tensor weight = torch::randn({c.out, c.in, 1, 1}) / std::sqrt(static_cast<double>(c.in));
      const at::Tensor bias = torch::randn({c.out});
      const Pointwise kernel(weight, bias, isa);
      for (const Epilogue& epilogue : epilogues(map({c.batch, c.out, c.height, c.width}), at::kFloat, false)) {
        const at::Tensor wanted = expected(x, weight, bias, epilogue);
        at::Tensor out = unwritten(wanted.sizes(), at::kFloat);
        kernel.run(x, out, epilogue);
        expect_near(out, wanted, 1e-5);
      }
      at::Tensor large = unwritten({c.batch, c.out, 2 * c.height, 2 * c.width}, at::kFloat).zero_();
      at::Tensor phase = large.slice(2, 1, 2 * c.height, 2).slice(3, 0, 2 * c.width, 2);
      kernel.run(x, phase, {});
      expect_near(phase, expected(x, weight, bias, {}), 1e-5);
      EXPECT_NEAR(large.abs().sum(at::kDouble).item<double>(), phase.abs().sum(at::kDouble).item<double>(), 1e-3)
          << "other phases were written";
    }
}

/// Values that bfloat16 holds exactly, so that only sums and the result are rounded.
at::Tensor rounded(const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kFloat); }

/// What Winograd's transforms, rounded, may be off by.
double tolerance(Bfloat16Unit unit, int64_t kernel, at::ScalarType out) {
  if (unit == Bfloat16Unit::kAvx512 && kernel == 3) return 1e-2;
  return out == at::kFloat ? 1e-5 : 5e-3;
}

TEST(Bfloat16Convolution, EqualsTheConvolution) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(4);
  for (const Case& c : kCases)
    for (const int64_t kernel_size : {1, 3}) {
      const at::Tensor x = map({c.batch, c.in, c.height, c.width}).to(at::kBFloat16);
      const at::Tensor weight =
          rounded(torch::randn({c.out, c.in, kernel_size, kernel_size}) / std::sqrt(9.0 * static_cast<double>(c.in)));
      const at::Tensor bias = torch::randn({c.out});
      const Taps taps = kernel_size == 3 ? Taps{3, 3, -1, -1} : Taps{};
      for (const Epilogue& epilogue : epilogues(map({c.batch, c.out, c.height, c.width}), at::kBFloat16, true)) {
        const at::Tensor wanted = expected(x.to(at::kFloat), weight, bias, epilogue);
        for (const Bfloat16Unit unit : testable_bfloat16_units())
          for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
            if (type == at::kFloat && epilogue.residual.defined()) continue;
            at::Tensor out = unwritten(wanted.sizes(), type);
            Bfloat16Convolution(weight, bias, taps, {}, unit).run(x, out, epilogue);
            expect_near(out, wanted, tolerance(unit, kernel_size, type));
          }
      }
    }
}

TEST(Bfloat16Convolution, AppendedConvolutionMakesAResidualBlock) {
  if (!has_bfloat16_kernels()) GTEST_SKIP() << "no AVX512_BF16";
  torch::manual_seed(5);
  for (const Case& c : {Case{2, 64, 32, 13, 7}, Case{1, 96, 40, 6, 150}}) {
    const at::Tensor x = map({c.batch, c.in, c.height, c.width}).to(at::kBFloat16);
    const at::Tensor narrow = rounded(torch::randn({c.out, c.in, 3, 3}) / std::sqrt(9.0 * static_cast<double>(c.in)));
    const at::Tensor widen = rounded(torch::randn({c.in, c.out, 1, 1}) / std::sqrt(static_cast<double>(c.out)));
    Epilogue epilogue;
    epilogue.input_relu = true;
    epilogue.activation = Act::kRelu;
    const at::Tensor middle = rounded(expected(x.to(at::kFloat), narrow, {}, epilogue));
    const at::Tensor wanted = x.to(at::kFloat) + at::conv2d(middle, widen);
    epilogue.residual = x;
    for (const Bfloat16Unit unit : testable_bfloat16_units()) {
      Bfloat16Convolution kernel(narrow, {}, {3, 3, -1, -1}, {}, unit);
      kernel.append(widen, {});
      at::Tensor out = unwritten(wanted.sizes(), at::kBFloat16);
      kernel.run(x, out, epilogue);
      expect_near(out, wanted, 1e-2);
    }
  }
}

TEST(Kernels, ThreadsChangeNothing) {
  torch::manual_seed(6);
  const at::Tensor x = map({1, 64, 37, 41}), weight = torch::randn({96, 64, 3, 3}), bias = torch::randn({96});
  const at::Tensor narrow = x.to(at::kBFloat16);
  const int before = at::get_num_threads();
  std::vector<at::Tensor> winograd, gradient, norm;
  const std::vector<Bfloat16Unit> units = testable_bfloat16_units();
  std::array<std::vector<at::Tensor>, 2> bfloat16;  // unit by unit
  for (const int threads : {1, 2, 3, 7}) {
    at::set_num_threads(threads);
    winograd.push_back(unwritten({1, 96, 37, 41}, at::kFloat));
    Winograd(weight, bias).run(x, winograd.back(), {});
    gradient.push_back(winograd_weight_gradient(x, winograd[0], false));
    norm.push_back(at::empty_like(x));
    group_norm(x, 4, 1e-5, at::ones({64}), at::zeros({64}), Act::kSilu, norm.back());
    for (size_t i = 0; i < units.size(); ++i) {
      bfloat16[i].push_back(unwritten({1, 96, 37, 41}, at::kBFloat16));
      Bfloat16Convolution(weight, bias, {3, 3, -1, -1}, {}, units[i]).run(narrow, bfloat16[i].back(), {});
    }
  }
  at::set_num_threads(before);
  for (const auto& results : {winograd, gradient, bfloat16[0], bfloat16[1], norm})
    for (const at::Tensor& result : results) EXPECT_TRUE(at::equal(result, results[0]));
}

TEST(GroupNorm, EqualsTheLayer) {
  torch::manual_seed(7);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    if (type == at::kBFloat16 && !has_bfloat16_kernels()) continue;
    for (const Act act : {Act::kNone, Act::kRelu, Act::kSilu}) {
      const at::Tensor x = (map({2, 48, 37, 53}) * 3 + 5).to(type);
      const at::Tensor weight = torch::randn({48}), bias = torch::randn({48});
      const at::Tensor wanted = activated(at::group_norm(x.to(at::kFloat), 6, weight, bias, 1e-5), act);
      at::Tensor out = at::empty_like(x);
      group_norm(x, 6, 1e-5, weight, bias, act, out);
      expect_near(out, wanted, type == at::kFloat ? 1e-5 : 5e-3);
    }
  }
}

}  // namespace
}  // namespace sscvae::kernels
