#pragma once

#include "sscvae/networks/scope.h"

namespace sscvae::networks {

/// Image -> sparse code -> image without encoder and decoder: the dictionary's atoms are small patches that overlap.
/// With x the image minus 1/2, its stride x stride blocks folded into channels, and * a convolution:
///   z_0 = 0,   z_t = shrink(z_{t-1} + A_t * (x - B_t * z_{t-1}), theta_t),   x-hat = W * z_T
///   theta_t = (floor_t + sigma slope_t) M(x, sigma),   one floor and slope >= 0 for each atom
/// sigma is the noise level, estimated from the image (image/noise_level.h) unless it is given. M is the sparsity
/// controller of SSC-VAE: a small network infers a factor for each position and atom, channel and spatial attention
/// refine it; it starts as 1. Sources: Gregor & LeCun 2010; Simon & Elad 2019 (strided convolutional sparse coding);
/// Eqs. 3, 9-11 of the SSC-VAE paper. With attention_scales > 1 that network is U-shaped (Ronneberger et al. 2015):
/// each scale halves the grid and doubles the channels, and what it had on its way down is added on its way up. With
/// shrinkage = grouped an entry passes by the energy of the entries around it and of related atoms (Jenatton et al.
/// 2011; Janjusevic et al. 2022 for unfolded networks):
///   z_t = u max(0, 1 - theta_t / sqrt(E)),   E = s u^2 + C (P * D u^2),   u = z_{t-1} + A_t * (x - B_t * z_{t-1})
/// D [R,K] and C [K,R] mix atoms, P pools each of the R energies over a window; s, C, D and P are learned, >= 0.
///
/// `features` is x and `coded_features` W * z [N,C stride^2,h,w], h = H / stride; the code has the same grid.
/// Errors: UsageError for options that contradict each other.
void convolutional_coder(const Scope& s, const ModelOptions& options);

}  // namespace sscvae::networks
