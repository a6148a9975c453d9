#pragma once

#include "sscvae/graph/graph.h"

namespace sscvae::nn {

/// softmax(scale Q K^T) V over all positions of an image, over queries or over keys. Without gradients the scores of
/// large images are never held whole. Shapes: [N,c,H,W] each -> [N,c,H,W].
/// Source: Wang et al. 2018, embedded Gaussian form.
at::Tensor attention(const graph::Attention& how, const at::Tensor& queries, const at::Tensor& keys,
                     const at::Tensor& values);

}  // namespace sscvae::nn
