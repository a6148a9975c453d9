#pragma once

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "sscvae/nn/arrays.h"
#include "sscvae/nn/dictionary.h"
#include "sscvae/nn/lista.h"
#include "sscvae/nn/soft_threshold.h"

/// Random problems of sparse coding, their solution by the plain iterations in double, and by others to compare.
namespace sscvae::testing {

inline constexpr networks::InitialCode kStarts[] = {networks::InitialCode::kZero, networks::InitialCode::kProjected};

/// Scalar, for each atom, for each position, full.
inline std::vector<std::vector<int64_t>> threshold_shapes(int64_t positions, int64_t atoms) {
  return {{}, {1, 1}, {atoms}, {1, atoms}, {positions, 1}, {positions, atoms}};
}

/// float32 on the CPU. Shapes: as in nn/lista.h; code_gradient [P,K].
struct CodingProblem {
  at::Tensor features, dictionary, lipschitz, threshold, code_gradient;

  CodingProblem(int64_t positions, int64_t dim, int64_t atoms, at::IntArrayRef threshold_shape, uint64_t seed = 11) {
    torch::manual_seed(seed);
    features = torch::randn({positions, dim});
    dictionary = nn::normalize_atoms(torch::randn({dim, atoms}));
    lipschitz = nn::largest_eigenvalue(dictionary) * 1.02;
    threshold = torch::rand(threshold_shape) * 0.1;
    code_gradient = torch::randn({positions, atoms});
  }
  std::vector<at::Tensor> inputs() const { return {features, dictionary, lipschitz, threshold}; }
};

struct CodingSolution {
  at::Tensor code;
  std::vector<at::Tensor> gradients;  ///< of features, dictionary, lipschitz, threshold; empty if the code has none
};

/// Both on the CPU. `solve` maps the four inputs, of this type and on this device, to a code.
template <class Solve>
CodingSolution solve_with_gradients(const CodingProblem& problem, at::TensorOptions options, const Solve& solve) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : problem.inputs()) leaves.push_back(input.to(options).detach().requires_grad_());
  const at::Tensor code = solve(leaves);
  CodingSolution solution{code.detach().cpu(), {}};
  if (code.requires_grad())
    solution.gradients = torch::autograd::grad({code}, leaves, {problem.code_gradient.to(options)}, true, false, true);
  for (at::Tensor& gradient : solution.gradients)
    if (gradient.defined()) gradient = gradient.cpu();
  return solution;
}

inline CodingSolution solve_plainly(const CodingProblem& problem, int64_t steps, networks::InitialCode start) {
  return solve_with_gradients(problem, at::kDouble, [&](const std::vector<at::Tensor>& in) {
    return nn::lista(in[0], in[1], in[2], in[3], steps, start);
  });
}

/// The least distance of any |v| from its threshold in all steps: where rounding moves v less, gradients are smooth.
inline double distance_from_kinks(const CodingProblem& problem, int64_t steps, networks::InitialCode start) {
  const at::Tensor x = problem.features.to(at::kDouble), d = problem.dictionary.to(at::kDouble),
                   l = problem.lipschitz.to(at::kDouble), theta = problem.threshold.to(at::kDouble);
  double least = std::numeric_limits<double>::infinity();
  at::Tensor code = torch::zeros(problem.code_gradient.sizes(), at::kDouble);
  const auto shrink = [&](const at::Tensor& v) {
    if (v.numel() > 0) least = std::min(least, (v.abs() - theta.clamp_min(0)).abs().min().item<double>());
    code = nn::soft_threshold(v, theta);
  };
  if (start == networks::InitialCode::kProjected) shrink(x.mm(d));
  for (int64_t i = 0; i < steps; ++i) shrink(code + (x - code.mm(d.t())).mm(d) / l);
  return least;
}

/// A problem with that distance above 2e-6, several times what rounding in float32 moves: then gradients agree, too,
/// whatever the instruction set. `shift` is added to its thresholds.
inline CodingProblem smooth_problem(int64_t positions, int64_t dim, int64_t atoms, at::IntArrayRef threshold_shape,
                                    int64_t steps, networks::InitialCode start, double shift = 0) {
  for (uint64_t seed = 11;; ++seed) {
    CodingProblem problem(positions, dim, atoms, threshold_shape, seed);
    problem.threshold.add_(shift);
    if (distance_from_kinks(problem, steps, start) > 2e-6) return problem;
  }
}

}  // namespace sscvae::testing
