#pragma once

#include "sscvae/networks/scope.h"

/// The part between encoder and decoder, which turns features [N,d,h,w] into a code.
namespace sscvae::networks {

/// A dictionary, a sparsity controller that sets the thresholds, and unfolded shrinkage iterations: SC-VAE, SC-VAE+In
/// and SSC-VAE are values of its options. Sets threshold_inference, threshold_refinement, threshold, code and
/// coded_features; gives D z. Parameters carry the names of the authors' files (_Dict, _L, _alpha, _conv, _res1, _res2,
/// _cbam). Source: Eqs. 1-11 of the SSC-VAE paper. Errors: UsageError for options that contradict each other.
Value sparse_coder(const Scope& s, Value features, const SparseCoderOptions& options);

/// The nearest of K vectors at each position. Sets code and coded_features.
Value nearest_code(const Scope& s, Value features, const VectorQuantizerOptions& options);

/// Mean and log-variance of independent Gaussian variables at each position, and in training a draw from them. Sets
/// mean, log_variance and code.
Value gaussian_code(const Scope& s, Value features);

}  // namespace sscvae::networks
