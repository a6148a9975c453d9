#pragma once

#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/kernels/lista_steps.h"

/// Unfolded iterative shrinkage by products of whole matrices (LibTorch's: cuBLAS on a GPU) with one fused element-wise
/// step after each. The way of a GPU; on the CPU, with plain_steps, it is what tests run.
///   y = x D / L and S = I - D^T D / L once, then z(t+1) = S_theta(z(t) S + y) in two buffers
/// Backwards the codes are computed again, for as many positions at a time as keep them in bounded memory.
/// Shapes, quantities and errors are those of lista_kernel.h, on the device of `steps`. Precision and Isa do not apply.
namespace sscvae::kernels {

/// Memory beyond inputs and results: two codes [P,K].
at::Tensor lista_matrix_forward(const ListaProblem& problem, const ListaSteps& steps);

/// `rows_at_once` positions are taken back together; 0 chooses. Each of them keeps its T codes and four more rows [K].
ListaGradients lista_matrix_backward(const ListaProblem& problem, const at::Tensor& code,
                                     const at::Tensor& code_gradient, const ListaGradientMask& wanted,
                                     const ListaSteps& steps, int64_t rows_at_once = 0);

/// Checks shapes and that all is float32 on one device of this type. The threshold becomes [1 or P, 1 or K].
ListaProblem checked_problem(ListaProblem problem, c10::DeviceType device);

}  // namespace sscvae::kernels
