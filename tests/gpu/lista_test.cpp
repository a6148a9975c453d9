#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/lista_fused.h"
#include "sscvae/nn/lista_matrix.h"
#include "support/coding_problem.h"
#include "support/gpu.h"
#include "support/sparse_coder_piece.h"
#include "support/tolerances.h"

// The kernels of a GPU against the plain operations in double on the CPU.
namespace sscvae::nn {
namespace {

using networks::SparseCoderOptions;
using networks::ThresholdKind;
using networks::ThresholdRefinement;
using testing::CodingProblem;
using testing::CodingSolution;
using testing::is_close;
using testing::kGpu;
using testing::kStarts;
using testing::SparseCoderPiece;

// max|a-b| / max|b| of float32 against double. The gradient of L is one small sum of large terms of both signs.
constexpr double kCode = 1e-5, kGradient = 2e-5, kLipschitzGradient = 1e-3;

class GpuLista : public testing::GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped() && !nn::lista_runs_on(kGpu)) GTEST_SKIP() << "built without GPU kernels: there was no nvcc";
  }
};

CodingSolution on_gpu(const CodingProblem& problem, int64_t steps, InitialCode start) {
  const at::TensorOptions options = at::TensorOptions(kGpu).dtype(at::kFloat);
  return testing::solve_with_gradients(problem, options, [&](const std::vector<at::Tensor>& in) {
    return lista_fused(in[0], in[1], in[2], in[3], steps, start);
  });
}

void expect_close(const CodingSolution& actual, const CodingSolution& expected) {
  EXPECT_TRUE(is_close(actual.code, expected.code, kCode));
  ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
  const char* names[] = {"features", "dictionary", "lipschitz", "threshold"};
  for (size_t i = 0; i < actual.gradients.size(); ++i) {
    const at::Tensor reference =
        expected.gradients[i].defined() ? expected.gradients[i] : torch::zeros_like(actual.gradients[i]);
    EXPECT_TRUE(is_close(actual.gradients[i], reference, i == 2 ? kLipschitzGradient : kGradient)) << names[i];
  }
}

void expect_equal_to_plain(const CodingProblem& problem, int64_t steps, InitialCode start) {
  SCOPED_TRACE(::testing::Message() << "T=" << steps << " projected=" << (start == InitialCode::kProjected)
                                    << " P,d=" << problem.features.sizes() << " theta=" << problem.threshold.sizes());
  expect_close(on_gpu(problem, steps, start), testing::solve_plainly(problem, steps, start));
}

TEST_F(GpuLista, EqualsPlainForEveryThresholdShape) {
  for (const auto& shape : testing::threshold_shapes(37, 45))
    for (const InitialCode start : kStarts)
      for (const int64_t steps : {1, 2, 16})
        expect_equal_to_plain(testing::smooth_problem(37, 19, 45, shape, steps, start), steps, start);
}

TEST_F(GpuLista, EqualsPlainForEverySize) {
  struct Size {
    int64_t positions, dim, atoms;
  };
  for (const Size& size : {Size{1, 1, 1}, Size{0, 5, 7}, Size{100, 3, 50}, Size{100, 40, 64}, Size{29, 70, 20}})
    for (const InitialCode start : kStarts)
      expect_equal_to_plain(
          testing::smooth_problem(size.positions, size.dim, size.atoms, {size.positions, size.atoms}, 5, start), 5,
          start);
}

TEST_F(GpuLista, WithoutAStepTheCodeIsZero) {
  const CodingProblem problem(8, 5, 7, {1, 7});
  EXPECT_TRUE(at::equal(on_gpu(problem, 0, InitialCode::kZero).code, torch::zeros({8, 7})));
}

TEST_F(GpuLista, TakesAnyStrides) {
  const CodingProblem packed = testing::smooth_problem(33, 12, 20, {33, 20}, 4, InitialCode::kProjected);
  CodingProblem strided = packed;
  for (at::Tensor* tensor : {&strided.features, &strided.dictionary, &strided.threshold, &strided.code_gradient})
    *tensor = tensor->t().contiguous().t();
  expect_close(on_gpu(strided, 4, InitialCode::kProjected), testing::solve_plainly(packed, 4, InitialCode::kProjected));
}

TEST_F(GpuLista, GoesBackInPieces) {
  const CodingProblem coding = testing::smooth_problem(37, 19, 45, {1, 45}, 4, InitialCode::kZero);
  const nn::ListaTensors problem{coding.features.to(kGpu), coding.dictionary.to(kGpu), coding.lipschitz.to(kGpu),
                                 coding.threshold.to(kGpu), 4};
  const at::Tensor code = nn::lista_matrix_forward(problem, *nn::cuda_steps());
  const nn::ListaTensorGradients pieces =
      nn::lista_matrix_backward(problem, code, coding.code_gradient.to(kGpu), {}, *nn::cuda_steps(), 10);
  expect_close(
      {code.cpu(), {pieces.features.cpu(), pieces.dictionary.cpu(), pieces.lipschitz.cpu(), pieces.threshold.cpu()}},
      testing::solve_plainly(coding, 4, InitialCode::kZero));
}

double norm_error(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor a = actual.cpu().to(at::kDouble), b = expected.cpu().to(at::kDouble);
  return ((a - b).norm() / b.norm()).item<double>();
}

// Large enough for a step to be still at work when the next one is queued. Gradients by norms: the products of another
// stream may round otherwise, and push an element of the code over its threshold.
TEST_F(GpuLista, WorksOnTheCurrentStream) {
  const CodingProblem problem(20000, 64, 256, {20000, 256});
  const CodingSolution expected = on_gpu(problem, 8, InitialCode::kZero);
  const c10::impl::VirtualGuardImpl device(kGpu);
  const c10::StreamGuard guard(device.getStreamFromGlobalPool({kGpu, 0}));
  const CodingSolution actual = on_gpu(problem, 8, InitialCode::kZero);
  EXPECT_TRUE(is_close(actual.code, expected.code, kCode));
  EXPECT_LT(norm_error(actual.gradients[0], expected.gradients[0]), 1e-2);
}

TEST_F(GpuLista, RefusesTensorsOfTwoDevices) {
  const CodingProblem problem(5, 4, 6, {5, 6});
  EXPECT_THROW(lista_fused(problem.features.to(kGpu), problem.dictionary.to(kGpu), problem.lipschitz.to(kGpu),
                           problem.threshold, 2, InitialCode::kZero),
               ShapeError);
}

/// Is there an operation of this name among those that made a tensor?
bool was_made_by(const torch::autograd::Node* node, const std::string& name) {
  if (node == nullptr) return false;
  if (node->name().find(name) != std::string::npos) return true;
  for (const auto& edge : node->next_edges())
    if (was_made_by(edge.function.get(), name)) return true;
  return false;
}

SparseCoderOptions small(ThresholdKind threshold) {
  SparseCoderOptions options;
  options.num_atoms = 24;
  options.atom_dim = 9;
  options.num_iterations = 4;
  options.cbam_reduction = 4;
  options.threshold = threshold;
  options.grid_height = options.grid_width = 5;
  if (threshold != ThresholdKind::kInferred) options.threshold_refinement = ThresholdRefinement::kNone;
  return options;
}

struct Pass {
  SparseCoderPiece::Result result;
  std::vector<at::Tensor> gradients;  // of the features and of all parameters
};

Pass run_coder(const SparseCoderOptions& options, at::TensorOptions tensor_options, bool plain) {
  torch::manual_seed(3);
  SparseCoderPiece coder(options, 1);
  const at::Tensor features = torch::randn({2, 9, 12, 14}), weights = torch::randn({2, 9, 12, 14});
  coder.initialize_thresholds(features * 1.1);
  coder.to(tensor_options.device(), c10::typeMetaToScalarType(tensor_options.dtype()));
  coder.manner.plain_code = plain;
  std::vector<at::Tensor> inputs{features.to(tensor_options).requires_grad_()};
  for (const at::Tensor& parameter : coder.parameters()) inputs.push_back(parameter);
  Pass pass{coder.code(inputs[0]), {}};
  const at::Tensor loss = (pass.result.coded_features * weights.to(tensor_options)).sum();
  pass.gradients = torch::autograd::grad({loss}, inputs, {}, true, false, true);
  return pass;
}

TEST_F(GpuLista, IsWhatTheSparseCoderTakes) {
  for (const auto threshold :
       {ThresholdKind::kScalar, ThresholdKind::kPerAtom, ThresholdKind::kPerPosition, ThresholdKind::kInferred}) {
    SCOPED_TRACE(static_cast<int>(threshold));
    const Pass expected = run_coder(small(threshold), at::kDouble, true);
    const Pass actual = run_coder(small(threshold), at::TensorOptions(kGpu).dtype(at::kFloat), false);
    EXPECT_TRUE(was_made_by(actual.result.code.grad_fn().get(), "FusedLista"));
    EXPECT_TRUE(is_close(actual.result.code.cpu(), expected.result.code, 1e-4));
    EXPECT_TRUE(is_close(actual.result.coded_features.cpu(), expected.result.coded_features, 1e-4));
    ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
    // Norms: rounding may push an element of the code over its threshold.
    for (size_t i = 0; i < actual.gradients.size(); ++i) {
      ASSERT_EQ(actual.gradients[i].defined(), expected.gradients[i].defined()) << i;
      if (!expected.gradients[i].defined()) continue;
      EXPECT_LT(norm_error(actual.gradients[i], expected.gradients[i]), 2e-2) << i;
    }
  }
}

}  // namespace
}  // namespace sscvae::nn
