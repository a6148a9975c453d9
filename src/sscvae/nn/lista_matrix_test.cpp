#include "sscvae/nn/lista_matrix.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/tensor_memory.h"
#include "support/coding_problem.h"
#include "support/tolerances.h"

// What runs on a GPU, with the element-wise steps taken by the CPU, against the plain operations in double.
namespace sscvae::nn {
namespace {

using kernels::ListaGradientMask;
using testing::CodingProblem;
using testing::CodingSolution;
using testing::is_close;
using testing::kStarts;

// max|a-b| / max|b| of float32 against double. The gradient of L is one small sum of large terms of both signs.
constexpr double kMatrixCode = 1e-5, kMatrixGradient = 2e-5, kMatrixLipschitzGradient = 1e-3;

ListaTensors problem_of(const CodingProblem& problem, int64_t steps, InitialCode start) {
  return {problem.features,
          problem.dictionary,
          problem.lipschitz,
          problem.threshold,
          steps,
          start == InitialCode::kProjected};
}

std::vector<at::Tensor> list_of(const ListaTensorGradients& gradients) {
  return {gradients.features, gradients.dictionary, gradients.lipschitz, gradients.threshold};
}

CodingSolution solve(const CodingProblem& coding, int64_t steps, InitialCode start, int64_t rows_at_once = 0) {
  const ListaTensors problem = problem_of(coding, steps, start);
  const at::Tensor code = lista_matrix_forward(problem, plain_steps());
  return {code, list_of(lista_matrix_backward(problem, code, coding.code_gradient, {}, plain_steps(), rows_at_once))};
}

void expect_matrix_equals_plain(const CodingProblem& problem, int64_t steps, InitialCode start,
                                int64_t rows_at_once = 0) {
  SCOPED_TRACE(::testing::Message() << "T=" << steps << " projected=" << (start == InitialCode::kProjected)
                                    << " rows=" << rows_at_once << " P,d=" << problem.features.sizes()
                                    << " theta=" << problem.threshold.sizes());
  const CodingSolution expected = testing::solve_plainly(problem, steps, start);
  const CodingSolution actual = solve(problem, steps, start, rows_at_once);
  EXPECT_TRUE(is_close(actual.code, expected.code, kMatrixCode));
  const char* names[] = {"features", "dictionary", "lipschitz", "threshold"};
  for (size_t i = 0; i < 4; ++i) {
    const at::Tensor reference =
        expected.gradients[i].defined() ? expected.gradients[i] : torch::zeros_like(problem.inputs()[i]);
    EXPECT_TRUE(is_close(actual.gradients[i], reference, i == 2 ? kMatrixLipschitzGradient : kMatrixGradient))
        << names[i];
  }
}

TEST(MatrixLista, EqualsPlainForEveryThresholdShape) {
  for (const auto& shape : testing::threshold_shapes(37, 45))
    for (const InitialCode start : kStarts)
      for (const int64_t steps : {1, 2, 16})
        expect_matrix_equals_plain(testing::smooth_problem(37, 19, 45, shape, steps, start), steps, start);
}

TEST(MatrixLista, EqualsPlainForEverySize) {
  struct Size {
    int64_t positions, dim, atoms;
  };
  for (const Size& size : {Size{1, 1, 1}, Size{0, 5, 7}, Size{100, 3, 50}, Size{100, 40, 64}, Size{29, 70, 20}})
    for (const InitialCode start : kStarts)
      expect_matrix_equals_plain(
          testing::smooth_problem(size.positions, size.dim, size.atoms, {size.positions, size.atoms}, 5, start), 5,
          start);
}

TEST(MatrixLista, EqualsPlainInPieces) {
  for (const auto& shape : testing::threshold_shapes(37, 45))
    for (const InitialCode start : kStarts)
      expect_matrix_equals_plain(testing::smooth_problem(37, 19, 45, shape, 4, start), 4, start, 10);
}

TEST(MatrixLista, EqualsPlainForSignedThresholds) {
  CodingProblem problem(21, 9, 26, {21, 26});
  problem.threshold.sub_(0.05);
  for (const InitialCode start : kStarts) {
    ASSERT_GT(testing::distance_from_kinks(problem, 3, start), 1e-6);
    expect_matrix_equals_plain(problem, 3, start);
  }
}

TEST(MatrixLista, WithoutAStepTheCodeIsZeroOrTheProjection) {
  const CodingProblem problem = testing::smooth_problem(8, 5, 7, {1, 7}, 0, InitialCode::kProjected);
  expect_matrix_equals_plain(problem, 0, InitialCode::kProjected);
  const ListaTensors zero = problem_of(problem, 0, InitialCode::kZero);
  const at::Tensor code = lista_matrix_forward(zero, plain_steps());
  EXPECT_TRUE(at::equal(code, torch::zeros({8, 7})));
  EXPECT_THROW(lista_matrix_backward(zero, code, code, {}, plain_steps()), InternalError);
}

TEST(MatrixLista, TakesAnyStrides) {
  const CodingProblem packed(33, 12, 20, {33, 20});
  CodingProblem strided = packed;
  for (at::Tensor* tensor : {&strided.features, &strided.dictionary, &strided.threshold, &strided.code_gradient})
    *tensor = tensor->t().contiguous().t();
  const CodingSolution expected = solve(packed, 4, InitialCode::kProjected, 7);
  const CodingSolution actual = solve(strided, 4, InitialCode::kProjected, 7);
  EXPECT_TRUE(at::equal(actual.code, expected.code));
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(actual.gradients[i], expected.gradients[i])) << i;
}

TEST(MatrixLista, LeavesTheGradientOfTheCodeAlone) {
  const CodingProblem problem(9, 4, 6, {9, 6});
  const at::Tensor before = problem.code_gradient.clone();
  solve(problem, 3, InitialCode::kZero);
  EXPECT_TRUE(at::equal(problem.code_gradient, before));
}

TEST(MatrixLista, ComputesOnlyTheGradientsThatAreAskedFor) {
  for (const auto& shape : testing::threshold_shapes(40, 16)) {
    const CodingProblem coding(40, 8, 16, shape);
    const CodingSolution all = solve(coding, 4, InitialCode::kProjected);
    const ListaTensors problem = problem_of(coding, 4, InitialCode::kProjected);
    for (size_t wanted = 0; wanted < 4; ++wanted) {
      const ListaGradientMask mask{wanted == 0, wanted == 1, wanted == 2, wanted == 3};
      const auto some = list_of(lista_matrix_backward(problem, all.code, coding.code_gradient, mask, plain_steps()));
      for (size_t i = 0; i < 4; ++i) ASSERT_EQ(some[i].defined(), i == wanted);
      EXPECT_TRUE(at::equal(some[wanted], all.gradients[wanted])) << wanted;
    }
  }
}

/// Of a forward and a backward pass, in tensors as large as the code.
template <class Run>
double peak_memory(const CodingProblem& problem, const Run& run) {
  const TensorMemory memory;
  run();
  return static_cast<double>(memory.peak_bytes()) / static_cast<double>(problem.code_gradient.nbytes());
}

TEST(MatrixLista, MemoryIsLessThanThatOfPlainGradients) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);  // so that all memory is asked for by this thread
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2000, 64}, {1, 64}}) {
    const CodingProblem problem(2000, 16, 64, shape);
    const double plain = peak_memory(problem, [&] {
      testing::solve_with_gradients(problem, at::kFloat, [](const std::vector<at::Tensor>& in) {
        return lista(in[0], in[1], in[2], in[3], 16, InitialCode::kZero);
      });
    });
    const double at_once = peak_memory(problem, [&] { solve(problem, 16, InitialCode::kZero); });
    const double in_pieces = peak_memory(problem, [&] { solve(problem, 16, InitialCode::kZero, 200); });
    EXPECT_GT(at_once, 16);
    EXPECT_LT(at_once, plain);
    EXPECT_LT(in_pieces, 6);
  }
  at::set_num_threads(before);
}

TEST(MatrixLista, GradientOfLHasItsShapeAndType) {
  CodingProblem problem(9, 4, 6, {});
  const CodingSolution expected = solve(problem, 3, InitialCode::kZero);
  problem.lipschitz = problem.lipschitz.to(at::kDouble).reshape({1});
  const at::Tensor actual = solve(problem, 3, InitialCode::kZero).gradients[2];
  EXPECT_EQ(actual.scalar_type(), at::kDouble);
  EXPECT_TRUE(is_close(actual, expected.gradients[2].reshape({1}), 1e-6));
}

TEST(MatrixLista, KeepsNotANumberWhereItIs) {
  const CodingProblem problem(5, 4, 6, {});
  problem.features[2][1] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor finite = solve(problem, 3, InitialCode::kZero).code.isfinite().all(1);
  EXPECT_TRUE(at::equal(finite, torch::arange(5) != 2));
}

// NaN features spoil all atoms of their position, a NaN threshold its own.
TEST(MatrixLista, NotANumberStaysOne) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const InitialCode start : testing::kStarts) {
    CodingProblem problem(70, 16, 24, {70, 24});
    problem.features[3][5] = nan;
    problem.features[9].zero_();  // nothing to shrink
    problem.threshold[9][7] = nan;
    const at::Tensor spoiled = solve(problem, 4, start).code.isnan();
    const at::Tensor position = at::arange(70);
    EXPECT_TRUE(spoiled[3].all().item<bool>());
    EXPECT_TRUE(spoiled[9][7].item<bool>());
    EXPECT_TRUE(at::equal(spoiled.any(1), (position == 3).logical_or(position == 9)));
  }
}

TEST(MatrixLista, RefusesWhatItCannotDo) {
  const auto forward = [](const CodingProblem& problem) {
    return lista_matrix_forward(problem_of(problem, 2, InitialCode::kZero), plain_steps());
  };
  CodingProblem problem(5, 4, 6, {5, 6});
  problem.threshold = torch::zeros({4, 6});
  EXPECT_THROW(forward(problem), ShapeError);
  problem.threshold = torch::zeros({5, 6}, at::kDouble);
  EXPECT_THROW(forward(problem), ShapeError);
  problem.threshold = torch::zeros({5, 6});
  forward(problem);
  problem.features = torch::zeros({5, 3});
  EXPECT_THROW(forward(problem), ShapeError);
}

// A grid of threads, one after the other: each element is some thread's, and no two threads'.
TEST(MatrixLista, SharesOfThreadsCoverEachElementOnce) {
  for (const auto& [rows, columns] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {7, 33}, {40, 64}, {50, 3}}) {
    const at::Tensor code = torch::randn({rows, columns}), gradient = torch::randn({rows, columns});
    const at::Tensor outer = torch::full_like(code, 7.0), sum = torch::zeros_like(code), negative = sum.clone();
    const kernels::MatrixGradientStep step{code.const_data_ptr<float>(), gradient.const_data_ptr<float>(),
                                           outer.mutable_data_ptr<float>(), sum.mutable_data_ptr<float>(),
                                           negative.mutable_data_ptr<float>()};
    constexpr int64_t kBlocks = 3, kRows = 8, kColumns = 32;
    for (int64_t row = 0; row < kBlocks * kRows; ++row)
      for (int64_t column = 0; column < kColumns; ++column)
        kernels::run_share({rows, columns, 0, 0}, step, {row, kBlocks * kRows, column, kColumns});
    EXPECT_TRUE(at::equal(outer, gradient));
    EXPECT_TRUE(at::equal(sum, gradient));
    EXPECT_TRUE(at::equal(negative, -gradient * code.sign()));

    const at::Tensor threshold = torch::rand({rows, columns}), shrunk = torch::full_like(code, 7.0);
    const kernels::MatrixShrinkStep shrink{code.const_data_ptr<float>(), gradient.const_data_ptr<float>(),
                                           threshold.const_data_ptr<float>(), shrunk.mutable_data_ptr<float>()};
    for (int64_t row = 0; row < kBlocks * kRows; ++row)
      for (int64_t column = 0; column < kColumns; ++column)
        kernels::run_share({rows, columns, columns, 1}, shrink, {row, kBlocks * kRows, column, kColumns});
    EXPECT_TRUE(at::equal(shrunk, soft_threshold(code + gradient, threshold)));
  }
}

TEST(MatrixLista, ABuildWithoutGpuKernelsSaysSo) {
  EXPECT_TRUE(lista_runs_on(c10::kCPU));
  EXPECT_FALSE(lista_runs_on(c10::kMPS));
  EXPECT_EQ(lista_runs_on(c10::kCUDA), cuda_steps() != nullptr);
}

}  // namespace
}  // namespace sscvae::nn
