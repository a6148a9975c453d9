#pragma once

#include "sscvae/experiments/loss_options.h"
#include "sscvae/models/autoencoder.h"

/// The training objective: reconstruction + latent + sparsity terms.
namespace sscvae::models {

using experiments::LatentForm;
using experiments::LossOptions;
using experiments::ReconstructionLoss;
using experiments::Reduction;
using experiments::Sparsity;

/// The terms of one batch; scalars, weights already applied to `total` only.
struct Losses {
  at::Tensor reconstruction;  ///< mean (or, with sum, mean over images of the sum) of the pixel error; with rms, mean
                              ///< over images of the root of the mean squared error
  at::Tensor latent;    ///< mean over positions of ||D z - E||^2, or the model's own latent term, a Gaussian code's
                        ///< summed over positions where pixel errors are; undefined without a code
  at::Tensor sparsity;  ///< mean over positions of sum_i alpha_i |z_i| or of the rate in bits; undefined where not used
  at::Tensor total;
};

/// `sparsity_weight` is the current weight of the sparsity term (steered during training).
/// Source: Eqs. 6-8 of the SSC-VAE paper; docs/maths.md lists where code and paper differ.
Losses compute_losses(const ForwardResult& result, const at::Tensor& target, const LossOptions& options,
                      double sparsity_weight);

/// The same with the weight as a scalar where the result lies.
Losses compute_losses(const ForwardResult& result, const at::Tensor& target, const LossOptions& options,
                      const at::Tensor& sparsity_weight);

/// What a mean over the values of an image counts in the objective: 1 or, where pixel errors are summed, their number
/// in `target` [N,C,H,W], so that perceptual terms keep their share.
double weight_of_means(const LossOptions& options, const at::Tensor& target);

/// The steered weight after a batch with `nnz` non-zeros per position:
/// weight * exp(0.05 clip(log(nnz / target), -2, 2)), within [1e-12, sparsity_max_weight].
double steer_sparsity_weight(double weight, double nnz, const LossOptions& options);
/// The same of float64 scalars on any device, up to rounding.
at::Tensor steer_sparsity_weight(const at::Tensor& weight, const at::Tensor& nnz, const LossOptions& options);
/// Is the weight of the sparsity term steered?
bool is_steered(const LossOptions& options);

}  // namespace sscvae::models
