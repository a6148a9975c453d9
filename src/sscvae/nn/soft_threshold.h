#pragma once

#include <ATen/core/Tensor.h>

namespace sscvae::nn {

/// Shrinkage: sign(v) max(|v| - theta, 0), element by element; `theta` broadcasts against `v`.
/// Properties: 0 at v = 0; for theta >= 0 it is continuous, odd, never grows a value and is v - clamp(v, -theta,
/// theta). A negative theta (possible in the reference profile only) expands: |result| = |v| + |theta| wherever v != 0.
/// Derivatives: 1 towards v and -sign(v) towards theta where |v| > theta, otherwise 0.
/// Source: Daubechies, Defrise, De Mol 2004; Eq. 3 of the SSC-VAE paper.
at::Tensor soft_threshold(const at::Tensor& v, const at::Tensor& theta);

}  // namespace sscvae::nn
