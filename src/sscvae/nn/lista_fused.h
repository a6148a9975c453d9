#pragma once

#include <ATen/core/Tensor.h>

#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/networks/sparse_coder_options.h"

namespace sscvae::nn {

using networks::InitialCode;

/// The same as `lista` by the kernel of kernels/lista_kernel.h: a few times faster, in O(tile) memory, and with
/// gradients for all four tensors. float32 on the CPU or, where lista_runs_on says so, on a CUDA device, which knows
/// neither `precision` nor `isa`. Second derivatives are not defined: UsageError.
/// Errors: ShapeError; UsageError for a precision that the processor does not support.
at::Tensor lista_fused(const at::Tensor& features, const at::Tensor& dictionary, const at::Tensor& lipschitz,
                       const at::Tensor& threshold, int64_t num_iterations, InitialCode initial_code,
                       kernels::Precision precision = kernels::Precision::kFloat32,
                       kernels::Isa isa = kernels::best_isa());

/// Multiplications of features [P,d] and dictionary [d,K] with what they meet in its forward pass, as the kernel does
/// them. Backwards there are twice as many, those of codes that are computed again not counted.
int64_t lista_fused_macs(const at::Tensor& features, const at::Tensor& dictionary, int64_t num_iterations,
                         InitialCode initial_code, kernels::Precision precision);

}  // namespace sscvae::nn
