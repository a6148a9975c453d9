#pragma once

#include <ATen/core/Tensor.h>

#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/nn/lista_steps.h"

/// Unfolded iterative shrinkage by products of whole matrices (LibTorch's: cuBLAS on a GPU) with one fused element-wise
/// step after each. The way of a GPU; on the CPU, with plain_steps, it is what tests run.
///   y = x D / L and S = I - D^T D / L once, then z(t+1) = S_theta(z(t) S + y) in two buffers
/// Backwards the codes are computed again, for as many positions at a time as keep them in bounded memory.
/// Shapes, quantities and errors are those of kernels/lista_kernel.h, on the device of `steps`.
namespace sscvae::nn {

/// kernels::ListaProblem in tensors of any device: features [P,d], dictionary [d,K], lipschitz [], threshold
/// broadcastable to [P,K].
struct ListaTensors {
  at::Tensor features, dictionary, lipschitz, threshold;
  int64_t num_iterations = 0;
  bool projected_start = false;  ///< z(0) = S_theta(x D) instead of 0
};
/// One gradient for each input, undefined where it was not asked for.
struct ListaTensorGradients {
  at::Tensor features, dictionary, lipschitz, threshold;
};

/// Is there a kernel for float32 tensors of such a device? For the CPU's always (kernels/lista_kernel.h), for CUDA in a
/// build with lista_kernel.cu.
bool lista_runs_on(c10::DeviceType device);

/// Memory beyond inputs and results: two codes [P,K].
at::Tensor lista_matrix_forward(const ListaTensors& problem, const ListaSteps& steps);

/// `rows_at_once` positions are taken back together; 0 chooses. Each of them keeps its T codes and four more rows [K].
ListaTensorGradients lista_matrix_backward(const ListaTensors& problem, const at::Tensor& code,
                                           const at::Tensor& code_gradient, const kernels::ListaGradientMask& wanted,
                                           const ListaSteps& steps, int64_t rows_at_once = 0);

}  // namespace sscvae::nn
