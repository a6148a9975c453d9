#include "sscvae/nn/lista.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/dictionary.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

using testing::gradients_match;
using testing::is_close;

at::Tensor rows(const at::Tensor& maps) { return maps.permute({0, 2, 3, 1}).reshape({-1, maps.size(1)}); }
at::Tensor maps(const at::Tensor& rows, const at::Tensor& like) {
  return rows.reshape({like.size(0), like.size(2), like.size(3), -1}).permute({0, 3, 1, 2});
}

/// A random problem in double with unit atoms and an L above the largest eigenvalue.
struct SmallProblem {
  at::Tensor features, dictionary, lipschitz, alpha;
  SmallProblem(int64_t positions, int64_t dim, int64_t atoms) {
    torch::manual_seed(3);
    features = torch::randn({positions, dim}, at::kDouble);
    dictionary = nn::normalize_atoms(torch::randn({dim, atoms}, at::kDouble));
    lipschitz = nn::largest_eigenvalue(dictionary) * 1.001;
    alpha = torch::rand({positions, atoms}, at::kDouble) * 0.5;
  }
  at::Tensor solve(int64_t steps) const {
    return lista(features, dictionary, lipschitz, alpha / lipschitz, steps, InitialCode::kZero);
  }
  at::Tensor objective(const at::Tensor& code) const { return lasso_objective(features, dictionary, alpha, code); }
};

TEST(Lista, ObjectiveNeverRises) {
  const SmallProblem problem(40, 12, 30);
  at::Tensor before = problem.objective(problem.solve(0));
  for (int64_t steps = 1; steps <= 60; ++steps) {
    const at::Tensor after = problem.objective(problem.solve(steps));
    EXPECT_LE((after - before).max().item<double>(), 1e-12) << "step " << steps;
    before = after;
  }
}

TEST(Lista, ConvergedCodeMeetsTheOptimalityConditions) {
  const SmallProblem problem(10, 12, 18);
  const at::Tensor code = problem.solve(20000);
  // KKT: D^T (x - D z) = alpha sign(z) where z != 0, and |D^T (x - D z)| <= alpha elsewhere.
  const at::Tensor correlation = (problem.features - code.mm(problem.dictionary.t())).mm(problem.dictionary);
  const at::Tensor active = code != 0;
  EXPECT_GT(active.sum().item<int64_t>(), 10);
  EXPECT_LT(((correlation - problem.alpha * code.sign()).abs() * active).max().item<double>(), 1e-9);
  EXPECT_LT(((correlation.abs() - problem.alpha) * active.logical_not()).max().item<double>(), 1e-9);
}

TEST(Lista, ZeroIterationsGiveTheInitialCode) {
  const SmallProblem problem(5, 4, 6);
  const at::Tensor theta = problem.alpha / problem.lipschitz;
  EXPECT_EQ(problem.solve(0).abs().max().item<double>(), 0.0);
  const at::Tensor projected =
      lista(problem.features, problem.dictionary, problem.lipschitz, theta, 0, InitialCode::kProjected);
  const at::Tensor correlations = problem.features.mm(problem.dictionary);
  EXPECT_TRUE(is_close(projected, correlations - correlations.clamp(-theta, theta), 1e-14));
}

TEST(Lista, RefusesFeaturesOfAnotherLength) {
  const SmallProblem problem(5, 4, 6);
  EXPECT_THROW(lista(torch::zeros({5, 3}, at::kDouble), problem.dictionary, problem.lipschitz, problem.alpha, 1,
                     InitialCode::kZero),
               ShapeError);
}

TEST(Lista, GradientsMatchDifferences) {
  SmallProblem problem(6, 4, 7);
  const at::Tensor features = problem.features.clone().requires_grad_(),
                   dictionary = problem.dictionary.clone().requires_grad_();
  const at::Tensor lipschitz = problem.lipschitz.clone().requires_grad_();
  const at::Tensor theta = (problem.alpha / problem.lipschitz).clone().requires_grad_();
  const at::Tensor weights = torch::randn({6, 7}, at::kDouble);
  for (const InitialCode initial : {InitialCode::kZero, InitialCode::kProjected})
    EXPECT_TRUE(
        gradients_match([&] { return (lista(features, dictionary, lipschitz, theta, 5, initial) * weights).sum(); },
                        {features, dictionary, lipschitz, theta}));
}

void expect_lista_parity(const serialization::StateDict& file, const std::string& prefix, const at::Tensor& thresholds,
                         int64_t steps, InitialCode initial) {
  SCOPED_TRACE(prefix);
  const at::Tensor x = as_tensor(file.at("x")).clone().requires_grad_(),
                   dictionary = as_tensor(file.at("D")).clone().requires_grad_();
  const at::Tensor lipschitz = as_tensor(file.at("L")).clone().requires_grad_(),
                   theta = thresholds.clone().requires_grad_();
  const at::Tensor code_rows = lista(rows(x), dictionary, lipschitz, rows(theta), steps, initial);
  const at::Tensor code = maps(code_rows, x);
  EXPECT_TRUE(is_close(code, file.at(prefix + "code"), testing::kBlock.float64));
  EXPECT_TRUE(
      is_close(maps(code_rows.mm(dictionary.t()), x), file.at(prefix + "latent_recon"), testing::kBlock.float64));
  const auto gradients = torch::autograd::grad({code}, {x, dictionary, lipschitz, theta},
                                               {file.at(prefix + "grad_output")}, false, false, true);
  const char* names[] = {"x", "D", "L", "theta"};
  for (size_t i = 0; i < 4; ++i) {
    const at::Tensor expected = file.at(prefix + "grad/" + names[i]);
    if (!gradients[i].defined()) EXPECT_EQ(expected.abs().max().item<double>(), 0.0) << names[i];
    else EXPECT_TRUE(is_close(gradients[i], expected, testing::kBlockGradient.float64)) << names[i];
  }
}

TEST(Lista, Parity) {
  const auto file = serialization::read_safetensors(testing::parity_folder() / "blocks/lista.safetensors").tensors;
  size_t compared = 0;
  for (const std::string profile : {"reference", "paper"})
    for (const std::string kind : {"nonnegative", "signed"})
      for (const int64_t steps : {0, 1, 4, 16}) {
        const std::string prefix = profile + "/" + kind + "/T" + std::to_string(steps) + "/";
        if (!file.find(prefix + "code")) continue;
        expect_lista_parity(file, prefix, file.at("theta_" + kind), steps,
                            profile == "paper" ? InitialCode::kZero : InitialCode::kProjected);
        ++compared;
      }
  EXPECT_GE(compared, 1u);
}

TEST(Lista, ParityOfFreeWeights) {
  const auto file =
      serialization::read_safetensors(testing::parity_folder() / "blocks/lista_untied.safetensors").tensors;
  const at::Tensor x = file.at("x"), filter = as_tensor(file.at("We")).clone().requires_grad_(),
                   inhibition = as_tensor(file.at("S")).clone().requires_grad_();
  const at::Tensor filtered = rows(x).mm(filter.t());
  at::Tensor code = torch::zeros({filtered.size(0), filtered.size(1)}, at::kDouble);
  for (int i = 0; i < 4; ++i) code = lista_step(code, filtered, inhibition, rows(file.at("theta")));
  const at::Tensor code_maps = maps(code, x);
  EXPECT_TRUE(is_close(code_maps, file.at("T4/code"), testing::kBlock.float64));
  const auto gradients = torch::autograd::grad({code_maps}, {filter, inhibition}, {file.at("T4/grad_output")});
  EXPECT_TRUE(is_close(gradients[0], file.at("T4/grad/We"), testing::kBlockGradient.float64));
  EXPECT_TRUE(is_close(gradients[1], file.at("T4/grad/S"), testing::kBlockGradient.float64));
}

TEST(Lista, ReachesTheExactSolutionsOfTheLasso) {
  const auto file = serialization::read_safetensors(testing::parity_folder() / "blocks/l1_problem.safetensors").tensors;
  const at::Tensor x = file.at("X"), dictionary = file.at("D"), lipschitz = file.at("L_spectral");
  EXPECT_TRUE(is_close(nn::largest_eigenvalue(dictionary), lipschitz, 1e-12));
  const at::Tensor scalar = torch::full({1, 1}, 0.25, at::kDouble);
  for (const auto& [name, lambda] :
       {std::pair<std::string, at::Tensor>{"scalar", scalar}, {"per_atom", file.at("lambda_per_atom")}}) {
    SCOPED_TRACE(name);
    const auto solve = [&](int64_t steps) {
      return lista(x, dictionary, lipschitz, lambda / lipschitz, steps, InitialCode::kZero);
    };
    for (const int64_t steps : {1, 4, 16})
      EXPECT_TRUE(
          is_close(solve(steps), file.at(name + "/ista_" + std::to_string(steps) + "_steps"), testing::kBlock.float64));
    EXPECT_TRUE(is_close(solve(30000), file.at(name + "/solution"), 1e-6));
    EXPECT_TRUE(is_close(lasso_objective(x, dictionary, lambda, file.at(name + "/solution")),
                         file.at(name + "/objective"), 1e-12));
  }
}

}  // namespace
}  // namespace sscvae::nn
