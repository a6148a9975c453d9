#include "sscvae/nn/lista_fused.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/tensor_memory.h"
#include "support/coding_problem.h"
#include "support/tolerances.h"

// The tiled kernel against the plain operations in double.
namespace sscvae::nn {
namespace {

using kernels::Isa;
using kernels::Precision;
using testing::is_close;
using testing::kStarts;
using Problem = testing::CodingProblem;
using Solution = testing::CodingSolution;

// max|a-b| / max|b| of float32 against double. The gradient of L is one small sum of large terms of both signs.
// The kernel multiplies by S or, where atoms are many times the features, by D^T and D: tests of both name two lengths
// d.
constexpr double kCode = 1e-5, kGradient = 2e-5, kLipschitzGradient = 1e-3;

Solution fused(const Problem& problem, int64_t steps, InitialCode start, Precision precision = Precision::kFloat32,
               Isa isa = kernels::best_isa()) {
  return testing::solve_with_gradients(problem, at::kFloat, [&](const std::vector<at::Tensor>& in) {
    return lista_fused(in[0], in[1], in[2], in[3], steps, start, precision, isa);
  });
}

void expect_equal_to_plain(const Problem& problem, int64_t steps, InitialCode start, Isa isa) {
  SCOPED_TRACE(::testing::Message() << "T=" << steps << " projected=" << (start == InitialCode::kProjected)
                                    << " set=" << static_cast<int>(isa) << " P,d=" << problem.features.sizes()
                                    << " theta=" << problem.threshold.sizes());
  const Solution expected = testing::solve_plainly(problem, steps, start);
  const Solution actual = fused(problem, steps, start, Precision::kFloat32, isa);
  EXPECT_TRUE(is_close(actual.code, expected.code, kCode));
  ASSERT_EQ(actual.gradients.empty(), expected.gradients.empty());
  const char* names[] = {"features", "dictionary", "lipschitz", "threshold"};
  for (size_t i = 0; i < actual.gradients.size(); ++i) {
    const at::Tensor reference =
        expected.gradients[i].defined() ? expected.gradients[i] : at::zeros_like(actual.gradients[i]);
    EXPECT_TRUE(is_close(actual.gradients[i], reference, i == 2 ? kLipschitzGradient : kGradient)) << names[i];
  }
}

TEST(FusedLista, EqualsPlainForEveryThresholdShape) {
  constexpr int64_t kPositions = 37, kAtoms = 45;
  for (const int64_t dim : {19, 11})
    for (const auto& shape : testing::threshold_shapes(kPositions, kAtoms))
      for (const InitialCode start : kStarts)
        for (const int64_t steps : {0, 1, 16}) {
          const Problem problem = testing::smooth_problem(kPositions, dim, kAtoms, shape, steps, start);
          for (const Isa isa : kernels::available_isas()) expect_equal_to_plain(problem, steps, start, isa);
        }
}

TEST(FusedLista, EqualsPlainForEverySize) {
  struct Size {
    int64_t positions, dim, atoms, steps;
  };
  // The more values a problem has, the longer it takes to draw one without a value near a threshold.
  for (const Size& size : {Size{1, 1, 1, 5}, Size{0, 5, 7, 5}, Size{300, 3, 130, 3}, Size{500, 40, 64, 3},
                           Size{350, 48, 192, 2}, Size{29, 70, 20, 5}})
    for (const InitialCode start : kStarts) {
      const Problem problem = testing::smooth_problem(size.positions, size.dim, size.atoms,
                                                      {size.positions, size.atoms}, size.steps, start);
      for (const Isa isa : kernels::available_isas()) expect_equal_to_plain(problem, size.steps, start, isa);
    }
}

TEST(FusedLista, EqualsPlainForSignedThresholds) {
  for (const int64_t dim : {9, 6})
    for (const InitialCode start : kStarts) {
      const Problem problem = testing::smooth_problem(21, dim, 26, {21, 26}, 3, start, -0.05);
      for (const Isa isa : kernels::available_isas()) expect_equal_to_plain(problem, 3, start, isa);
    }
}

TEST(FusedLista, TakesAnyStrides) {
  const Problem packed(33, 12, 20, {33, 20});
  Problem strided = packed;
  for (at::Tensor* tensor : {&strided.features, &strided.dictionary, &strided.threshold, &strided.code_gradient})
    *tensor = tensor->t().contiguous().t();
  const Solution expected = fused(packed, 4, InitialCode::kProjected);
  const Solution actual = fused(strided, 4, InitialCode::kProjected);
  EXPECT_TRUE(at::equal(actual.code, expected.code));
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(actual.gradients[i], expected.gradients[i])) << i;
}

TEST(FusedLista, ComputesOnlyTheGradientsThatAreAskedFor) {
  for (const int64_t dim : {8, 4}) {
    const Problem problem(40, dim, 16, {1, 16});
    const Solution all = fused(problem, 4, InitialCode::kZero);
    for (size_t wanted = 0; wanted < 4; ++wanted) {
      std::vector<at::Tensor> inputs = problem.inputs();
      inputs[wanted] = inputs[wanted].detach().requires_grad_();
      const at::Tensor code = lista_fused(inputs[0], inputs[1], inputs[2], inputs[3], 4, InitialCode::kZero);
      const auto gradient = torch::autograd::grad({code}, {inputs[wanted]}, {problem.code_gradient});
      EXPECT_TRUE(at::equal(gradient[0], all.gradients[wanted])) << wanted;
    }
  }
}

/// Enough positions for several chunks of tiles.
void expect_independence_of_threads(Precision precision, int64_t dim = 20) {
  const int before = at::get_num_threads();
  for (const auto& shape : std::vector<std::vector<int64_t>>{{7500, 48}, {1, 48}}) {
    const Problem problem(7500, dim, 48, shape);
    at::set_num_threads(1);
    const Solution one = fused(problem, 4, InitialCode::kProjected, precision);
    at::set_num_threads(2);
    const Solution two = fused(problem, 4, InitialCode::kProjected, precision);
    at::set_num_threads(before);
    EXPECT_TRUE(at::equal(one.code, two.code));
    for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(one.gradients[i], two.gradients[i])) << i;
  }
}

TEST(FusedLista, DoesNotDependOnTheNumberOfThreads) {
  for (const int64_t dim : {20, 12}) expect_independence_of_threads(Precision::kFloat32, dim);
}

TEST(FusedLista, DoesNotDependOnTheNumberOfThreadsInBfloat16) {
  if (!kernels::supports(Precision::kBfloat16)) GTEST_SKIP() << "this processor does not multiply bfloat16 matrices";
  expect_independence_of_threads(Precision::kBfloat16);
}

double norm_error(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

TEST(FusedLista, Bfloat16StaysWithinItsBounds) {
  if (!kernels::supports(Precision::kBfloat16)) GTEST_SKIP() << "this processor does not multiply bfloat16 matrices";
  for (const int64_t atoms : {100, 128, 200})
    for (const InitialCode start : kStarts) {
      SCOPED_TRACE(::testing::Message() << "K=" << atoms << " projected=" << (start == InitialCode::kProjected));
      Problem problem(150, 64, atoms, {150, atoms});
      // That of |z|^2 / 2: small where rounding may push an element over its threshold.
      problem.code_gradient = testing::solve_plainly(problem, 16, start).code.to(at::kFloat);
      const Solution expected = testing::solve_plainly(problem, 16, start),
                     actual = fused(problem, 16, start, Precision::kBfloat16);
      EXPECT_LT(norm_error(actual.code, expected.code), 4e-3);
      EXPECT_GT(norm_error(actual.code, expected.code), 1e-5) << "float32 in disguise";
      for (size_t i = 0; i < 4; ++i) EXPECT_LT(norm_error(actual.gradients[i], expected.gradients[i]), 5e-2) << i;
    }
}

TEST(FusedLista, KeepsNotANumberWhereItIs) {
  Problem problem(5, 4, 6, {});
  problem.features[2][1] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor finite = fused(problem, 3, InitialCode::kZero).code.isfinite().all(1);
  EXPECT_TRUE(at::equal(finite, at::arange(5) != 2));
}

TEST(FusedLista, LeavesNoTraceWithoutGradients) {
  Problem problem(5, 4, 6, {});
  problem.dictionary.requires_grad_();
  const c10::InferenceMode guard;
  const at::Tensor code =
      lista_fused(problem.features, problem.dictionary, problem.lipschitz, problem.threshold, 3, InitialCode::kZero);
  EXPECT_TRUE(code.is_inference());
  EXPECT_FALSE(code.requires_grad());
}

TEST(FusedLista, RefusesWhatItCannotDo) {
  const Problem problem(5, 4, 6, {5, 6});
  const auto solve = [&](const at::Tensor& features, const at::Tensor& threshold) {
    return lista_fused(features, problem.dictionary, problem.lipschitz, threshold, 2, InitialCode::kZero);
  };
  EXPECT_THROW(solve(torch::zeros({5, 3}), problem.threshold), ShapeError);
  EXPECT_THROW(solve(problem.features, torch::zeros({4, 6})), ShapeError);
  EXPECT_THROW(solve(problem.features, torch::zeros({5, 6, 1})), ShapeError);
  EXPECT_THROW(solve(problem.features.to(at::kDouble), problem.threshold), ShapeError);
  const at::Tensor leaf = problem.features.clone().requires_grad_();
  const at::Tensor code = solve(leaf, problem.threshold);
  EXPECT_THROW(torch::autograd::grad({code.sum()}, {leaf}, {}, true, true), UsageError);
  if (!kernels::supports(Precision::kBfloat16)) {
    EXPECT_THROW(fused(problem, 2, InitialCode::kZero, Precision::kBfloat16), UsageError);
  }
}

void expect_little_memory(int64_t dim) {
  const Problem problem(8192, dim, 128, {8192, 128});
  int64_t peak = 0, inputs = problem.code_gradient.nbytes(), outputs = problem.code_gradient.nbytes();
  for (const at::Tensor& input : problem.inputs()) inputs += input.nbytes();
  {
    const TensorMemory memory;
    const Solution solution = fused(problem, 16, InitialCode::kZero);
    peak = memory.peak_bytes();
    for (const at::Tensor& gradient : solution.gradients) outputs += gradient.nbytes();
  }
  EXPECT_GT(peak, outputs);
  EXPECT_LT(peak + inputs, (inputs + outputs) * 3 / 2);
}

TEST(FusedLista, MemoryIsThatOfInputsAndOutputs) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);  // so that all memory is asked for by this thread
  for (const int64_t dim : {64, 32}) expect_little_memory(dim);
  at::set_num_threads(before);
}

}  // namespace
}  // namespace sscvae::nn
