#pragma once

#include <ATen/core/Tensor.h>

#include "sscvae/networks/sparse_coder_options.h"

/// Unfolded iterative shrinkage: the sparse code of many vectors at once. Rows are positions.
namespace sscvae::nn {

using networks::InitialCode;

/// Tied LISTA (We = D^T / L, S = I - D^T D / L):  z(t+1) = S_theta(z(t) + D^T (x - D z(t)) / L).
/// Shapes: features [P,d], dictionary [d,K], lipschitz [] (L > 0), threshold broadcastable to [P,K], in code units
/// (theta = alpha / L) -> code [P,K].
/// `initial_code` kZero: z(0) = 0 and exactly `num_iterations` steps (Eq. 3 of the paper).
/// kProjected: z(0) = S_theta(D^T x), without 1 / L, and then `num_iterations` steps (the authors' code).
/// For theta >= 0 and L >= lambda_max(D^T D) the objective 1/2 ||x - D z||^2 + sum_i L theta_i |z_i| never rises.
/// Errors: ShapeError. Source: Gregor & LeCun 2010; Eqs. 1-3 of the SSC-VAE paper.
at::Tensor lista(const at::Tensor& features, const at::Tensor& dictionary, const at::Tensor& lipschitz,
                 const at::Tensor& threshold, int64_t num_iterations, InitialCode initial_code);

/// One step with free weights:  z' = S_theta(S z + We x). Shapes: code [P,K], filtered = x We^T [P,K], inhibition S
/// [K,K].
at::Tensor lista_step(const at::Tensor& code, const at::Tensor& filtered, const at::Tensor& inhibition,
                      const at::Tensor& threshold);

/// 1/2 ||x - D z||^2 + sum_i alpha_i |z_i| of each row [P]; `alpha` broadcasts to [P,K].
at::Tensor lasso_objective(const at::Tensor& features, const at::Tensor& dictionary, const at::Tensor& alpha,
                           const at::Tensor& code);

}  // namespace sscvae::nn
