#pragma once

#include "sscvae/graph/graph.h"

namespace sscvae::nn {

/// Channel and spatial attention on threshold maps, the sparsity controller's refinement:
///   W_c = sigmoid(MLP(mean_hw(a)) + MLP(max_hw(a)))   (Eq. 9), MLP without biases, K -> K / reduction -> K
///   W_s = sigmoid(conv([mean_K(b); max_K(b)]))        (Eq. 10), b = W_c a (the authors' code) or, with
///                                                     SpatialInput::kInferred, b = a (Eq. 10 to the letter)
///   a+  = W_s (W_c a)                                 (Eq. 11)
/// Shapes: [N,K,h,w] -> [N,K,h,w]. Source: Woo et al. 2018.
at::Tensor cbam(const graph::Cbam& weights, const at::Tensor& maps);

}  // namespace sscvae::nn
