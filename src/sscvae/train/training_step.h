#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "sscvae/models/autoencoder.h"
#include "sscvae/models/losses.h"
#include "sscvae/train/adversary.h"
#include "sscvae/train/batch.h"
#include "sscvae/train/optimizer.h"
#include "sscvae/train/options.h"

namespace sscvae::train {

/// What one optimizer step saw. Means over the accumulated batches; NaN for terms that the model does not have.
struct StepFigures {
  double loss = 0, reconstruction = 0, latent = 0, sparsity = 0, nnz = 0;
  double codes_used = 0, perplexity = 0;  ///< of the codebook, over all accumulated batches (metrics/code_usage.h)
  AdversaryFigures adversary;
  double gradient_norm = 0;   ///< before clipping
  at::Tensor output, target;  ///< of the last batch, without history
  at::Tensor code;            ///< where it is a sparse one
};

/// The same where it was made: float64 scalars on the device, which nobody has waited for; undefined for terms that the
/// model does not have.
struct StepScalars {
  at::Tensor loss, reconstruction, latent, sparsity, nnz, gradient_norm;
  std::vector<at::Tensor> indices;  ///< code numbers of each batch, where the model has such
  at::Tensor output, target, code;  ///< as in StepFigures
};

class CapturedPasses;  // captured_passes.h

struct StepSettings {
  models::LossOptions loss;
  double gradient_clip = 0;
  double threshold_jitter = 1;
  NoiseLevels noise_levels = NoiseLevels::kEstimated;
  c10::Device device = c10::Device(c10::kCPU);
  bool bf16 = false;
  uint64_t seed = 0;  ///< root of what is random in a pass, beside `step`
  Adversary* adversary = nullptr;
  CapturedPasses* captured = nullptr;  ///< of queue_training_step: who runs its passes as one, where possible
};

/// Convolutions are fastest with channels innermost in memory: the trainer calls this on a fresh model. Values and
/// shapes stay.
void use_channels_last(torch::nn::Module& module);

/// Forward and backward over the batches (gradients averaged), the check for divergence, clipping, one step of the
/// optimizer, and the model's own after-step work; with an adversary its terms, and its own step after the model's.
/// `step` counts from 1; randomness within the model is a function of settings.seed, `step` and the number of the
/// batch. Errors: DivergenceError naming step, loss and the first bad tensor; the weights are then as before the step.
StepFigures training_step(models::Autoencoder& model, Optimizer& optimizer, const std::vector<Batch>& batches,
                          const StepSettings& settings, double sparsity_weight, double learning_rate, int64_t step);

/// The same step for devices, which then never wait: `sparsity_weight` is a float64 scalar on the device, and nothing
/// is checked. After a loss or a gradient that is not finite the weights are not finite either.
StepScalars queue_training_step(models::Autoencoder& model, Optimizer& optimizer, const std::vector<Batch>& batches,
                                const StepSettings& settings, const at::Tensor& sparsity_weight, double learning_rate,
                                int64_t step);

/// What is queued for one batch that lies on the device: forward pass, losses, gradients (added to those of the
/// parameters). Depends on the host in nothing but the model's own settings. Gradient norm and code numbers are left
/// out.
StepScalars queue_pass(models::Autoencoder& model, const Batch& batch, const StepSettings& settings,
                       const at::Tensor& sparsity_weight);

/// Waits for the device. `num_codes` as Autoencoder::num_codes; the adversary that took part, or nullptr.
StepFigures read_figures(const StepScalars& scalars, int64_t num_codes, const Adversary* adversary);

/// Memory that a forward and a backward pass over the batch take beyond what is in use, bytes; an adversary's is left
/// out. The model stays as it is.
int64_t measure_pass_memory(models::Autoencoder& model, const Batch& batch, const StepSettings& settings);

}  // namespace sscvae::train
