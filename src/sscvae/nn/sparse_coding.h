#pragma once

#include "sscvae/nn/live.h"

/// The operation live::SparseCode with gradients.
namespace sscvae::nn {

/// Unfolded shrinkage: features [N,d,h,w], threshold broadcastable to [N,K,h,w] -> code [N,K,h,w]. Tied iterations on
/// float32 tensors go through `lista_fused` where that pays: on the CPU for at least 256 positions and 4 steps, on a
/// GPU with kernels always. `plain` uses LibTorch's operations everywhere: equal within rounding, slower, and visible
/// to profilers that count operations. Source: Eqs. 1-3 of the SSC-VAE paper. Errors: ShapeError.
at::Tensor sparse_code(const live::SparseCode& coder, const at::Tensor& features, const at::Tensor& threshold,
                       bool plain = false);

/// The threshold that a share of `survivors` of the first correlations |D^T E| exceeds, at least 0.001, given as the
/// input for which the activation returns it. Features E [N,d,h,w], dictionary D [d,K].
double offset_for_survivors(const at::Tensor& features, const at::Tensor& dictionary, double survivors,
                            graph::ThresholdActivation activation);

}  // namespace sscvae::nn
