#include "sscvae/train/training_step.h"

#include <cmath>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/train/divergence.h"
#include "sscvae/train/precision.h"

namespace sscvae::train {

namespace {

at::Tensor on_device(const at::Tensor& images, c10::Device device) {
  return images.to(device).contiguous(at::MemoryFormat::ChannelsLast);
}

/// value += share * scalar, or NaN where there is no such term.
void add(double& value, const at::Tensor& scalar, double share) {
  value += scalar.defined() ? share * scalar.item<double>() : std::numeric_limits<double>::quiet_NaN();
}

[[noreturn]] void report_divergence(const std::string& bad, double loss, double gradient_norm, int64_t step) {
  throw DivergenceError(format("training diverged at step %lld: loss %s, gradient norm %s; first bad tensor: %s",
                               static_cast<long long>(step), to_text(loss).c_str(), to_text(gradient_norm).c_str(),
                               bad.empty() ? "none (the norm overflowed)" : bad.c_str()));
}

}  // namespace

StepFigures training_step(models::Autoencoder& model, Adam& adam, const std::vector<data::Batch>& batches,
                          const StepSettings& settings, double sparsity_weight, double learning_rate, int64_t step) {
  SSCVAE_ASSERT(!batches.empty());
  const double share = 1.0 / static_cast<double>(batches.size());
  adam.clear_gradients();
  StepFigures figures;
  at::Tensor input;
  models::ForwardResult result;
  models::Losses losses;
  for (const data::Batch& batch : batches) {
    input = on_device(batch.input, settings.device);
    figures.target = batch.target.is_same(batch.input) ? input : on_device(batch.target, settings.device);
    {
      const AutocastScope autocast(settings.device, settings.bf16);
      result = models::forward_any_size(model, input);
    }
    losses = models::compute_losses(result, figures.target, settings.loss, sparsity_weight);
    add(figures.loss, losses.total, share);
    add(figures.reconstruction, losses.reconstruction, share);
    add(figures.latent, losses.latent, share);
    add(figures.sparsity, losses.sparsity, share);
    figures.nnz += result.code.defined() ? share * metrics::nonzeros_per_position(result.code.detach())
                                         : std::numeric_limits<double>::quiet_NaN();
    (batches.size() == 1 ? losses.total : losses.total * share).backward();
    if (!std::isfinite(figures.loss))
      report_divergence(first_bad_tensor(model, input, result, losses), figures.loss, std::nan(""), step);
  }
  figures.gradient_norm = gradient_norm(adam.parameters());
  if (!std::isfinite(figures.gradient_norm))
    report_divergence(first_bad_tensor(model, input, result, losses), figures.loss, figures.gradient_norm, step);
  if (settings.gradient_clip > 0) clip_gradients(adam.parameters(), figures.gradient_norm, settings.gradient_clip);
  adam.step(learning_rate);
  {
    const at::NoGradGuard no_grad;
    model.after_optimizer_step();
  }
  figures.output = result.reconstruction.detach();
  figures.code = result.code.defined() ? result.code.detach() : at::Tensor();
  return figures;
}

}  // namespace sscvae::train
