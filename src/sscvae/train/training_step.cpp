#include "sscvae/train/training_step.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <limits>
#include <variant>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/metrics/code_usage.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/tensor_memory.h"
#include "sscvae/nn/to_device.h"
#include "sscvae/train/captured_passes.h"
#include "sscvae/train/divergence.h"
#include "sscvae/train/fused_update.h"
#include "sscvae/train/precision.h"

namespace sscvae::train {

namespace {

/// What the host holds, or a scalar on the device.
using SparsityWeight = std::variant<double, at::Tensor>;

at::Tensor on_device(const at::Tensor& images, c10::Device device) {
  return nn::to_device(images, device).contiguous(at::MemoryFormat::ChannelsLast);
}

/// sum += share * scalar; stays undefined where there is no such term.
void add(at::Tensor& sum, const at::Tensor& scalar, double share) {
  if (!scalar.defined()) return;
  const at::Tensor part = scalar.detach().to(at::kDouble) * share;
  sum = sum.defined() ? sum + part : part;
}

[[noreturn]] void report_divergence(const std::string& bad, double loss, double gradient_norm, int64_t step) {
  throw DivergenceError(format("training diverged at step %lld: loss %s, gradient norm %s; first bad tensor: %s",
                               static_cast<long long>(step), to_text(loss).c_str(), to_text(gradient_norm).c_str(),
                               bad.empty() ? "none (the norm overflowed)" : bad.c_str()));
}

/// One batch on its way.
struct Pass {
  at::Tensor input, target;
  models::ForwardResult result;
  models::Losses losses;
};

Pass run_pass(models::Autoencoder& model, const Batch& batch, const StepSettings& settings,
              const SparsityWeight& sparsity_weight, double share) {
  Pass pass;
  pass.input = on_device(batch.input, settings.device);
  pass.target = batch.target.is_same(batch.input) ? pass.input : on_device(batch.target, settings.device);
  {
    const AutocastScope autocast(settings.device, settings.bf16);
    pass.result = models::forward_any_size(model, pass.input);
  }
  pass.losses = std::visit(
      [&](const auto& weight) { return models::compute_losses(pass.result, pass.target, settings.loss, weight); },
      sparsity_weight);
  if (!settings.adversary) return pass;
  const at::Tensor term =
      settings.adversary->generator_term(model, pass.result.reconstruction, pass.target, pass.losses.reconstruction,
                                         share, models::weight_of_means(settings.loss, pass.target));
  if (term.defined()) pass.losses.total = pass.losses.total + term;
  return pass;
}

void jitter_thresholds(models::Autoencoder& model, const StepSettings& settings, int64_t pass) {
  if (settings.threshold_jitter <= 1) return;
  Random random(derive_seed(settings.seed, "thresholds", static_cast<uint64_t>(pass)));
  models::set_threshold_scale(model, std::pow(settings.threshold_jitter, random.uniform(-1, 1)));
}

// About the errors of image::estimate_sigma_8bit on whole photographs, 8-bit grey levels.
constexpr double kTextureAsNoise = 3, kRelativeError = 0.015;

/// The levels of the batch as they would be estimated: texture adds to their squares, chance a little to either side.
std::vector<double> told_levels(const Batch& batch, const StepSettings& settings, int64_t pass) {
  if (settings.noise_levels == NoiseLevels::kEstimated) return {};
  Random random(derive_seed(settings.seed, "levels", static_cast<uint64_t>(pass)));
  std::vector<double> told;
  for (const double sigma : batch.sigma_8bit)
    told.push_back(std::hypot(sigma * (1 + kRelativeError * random.normal()), kTextureAsNoise * random.normal()));
  return told;
}

/// Non-zeros per position, a float64 scalar.
at::Tensor nonzeros_of(const at::Tensor& code) {
  return code.count_nonzero().to(at::kDouble) / static_cast<double>(code.size(0) * code.size(2) * code.size(3));
}

void keep_last(StepScalars& sums, const Pass& pass) {
  sums.output = pass.result.reconstruction.detach();
  sums.target = pass.target;
  if (const at::Tensor code = pass.result.sparse_code(); code.defined()) sums.code = code.detach();
}

void add_figures(StepScalars& sums, const Pass& pass, double share) {
  add(sums.loss, pass.losses.total, share);
  add(sums.reconstruction, pass.losses.reconstruction, share);
  add(sums.latent, pass.losses.latent, share);
  add(sums.sparsity, pass.losses.sparsity, share);
  if (const at::Tensor code = pass.result.sparse_code(); code.defined())
    add(sums.nnz, nonzeros_of(code.detach()), share);
  if (pass.result.indices.defined()) sums.indices.push_back(pass.result.indices.detach());
}

/// Errors: DivergenceError if the loss or a gradient is not finite.
void check_finite(models::Autoencoder& model, const Pass& pass, const StepFigures& figures, Adversary* adversary,
                  int64_t step) {
  if (!std::isfinite(figures.loss) || !std::isfinite(figures.gradient_norm))
    report_divergence(first_bad_tensor(model, pass.input, pass.result, pass.losses), figures.loss,
                      figures.gradient_norm, step);
  if (!adversary) return;
  if (const std::string bad = adversary->first_bad_gradient(); !bad.empty())
    report_divergence(bad, figures.loss, figures.gradient_norm, step);
}

struct Passes {
  StepScalars sums;
  Pass last;
};

/// Gradients of all batches, in the parameters. `stop_when_bad` reads each loss and goes no further after a bad one.
Passes run_passes(models::Autoencoder& model, Optimizer& optimizer, const std::vector<Batch>& batches,
                  const StepSettings& settings, const SparsityWeight& sparsity_weight, int64_t step,
                  bool stop_when_bad) {
  SSCVAE_ASSERT(!batches.empty());
  const double share = 1.0 / static_cast<double>(batches.size());
  optimizer.clear_gradients();
  if (settings.adversary) settings.adversary->begin_step(step);
  Passes passes;
  Pass& pass = passes.last;
  for (size_t i = 0; i < batches.size(); ++i) {
    model.set_noise_seed(derive_seed(settings.seed, "pass", static_cast<uint64_t>(step) * batches.size() + i));
    const int64_t number = step * static_cast<int64_t>(batches.size()) + static_cast<int64_t>(i);
    jitter_thresholds(model, settings, number);
    if (const std::vector<double> told = told_levels(batches[i], settings, number); !told.empty())
      models::set_noise_levels(model, told);
    pass = run_pass(model, batches[i], settings, sparsity_weight, share);
    add_figures(passes.sums, pass, share);
    (batches.size() == 1 ? pass.losses.total : pass.losses.total * share).backward();
    model.observe(pass.result);
    if (settings.adversary) settings.adversary->learn(pass.result.reconstruction, pass.target, share);
    if (stop_when_bad && i + 1 < batches.size() && !std::isfinite(passes.sums.loss.item<double>())) break;
  }
  if (settings.threshold_jitter > 1) models::set_threshold_scale(model, 1);
  if (settings.noise_levels == NoiseLevels::kTold) models::set_noise_levels(model, {});
  keep_last(passes.sums, pass);
  return passes;
}

void finish_step(models::Autoencoder& model, Optimizer& optimizer, const StepSettings& settings, double learning_rate) {
  optimizer.step(learning_rate);
  if (settings.adversary) settings.adversary->finish_step(learning_rate);
  const at::NoGradGuard no_grad;
  model.after_optimizer_step();
}

}  // namespace

void use_channels_last(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  for (at::Tensor parameter : module.parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
}

StepFigures training_step(models::Autoencoder& model, Optimizer& optimizer, const std::vector<Batch>& batches,
                          const StepSettings& settings, double sparsity_weight, double learning_rate, int64_t step) {
  Passes passes = run_passes(model, optimizer, batches, settings, sparsity_weight, step, true);
  const std::vector<NamedParameter>& parameters = optimizer.parameters();
  const bool here = on_cpu(parameters);
  passes.sums.gradient_norm =
      here ? at::scalar_tensor(gradient_norm(parameters), passes.sums.loss.options()) : fused_gradient_norm(parameters);
  StepFigures figures = read_figures(passes.sums, model.num_codes(), nullptr);
  check_finite(model, passes.last, figures, settings.adversary, step);
  if (settings.gradient_clip > 0 && here) clip_gradients(parameters, figures.gradient_norm, settings.gradient_clip);
  else if (settings.gradient_clip > 0)
    fused_clip_gradients(parameters, passes.sums.gradient_norm, settings.gradient_clip);
  finish_step(model, optimizer, settings, learning_rate);
  if (settings.adversary) figures.adversary = settings.adversary->figures();
  return figures;
}

StepScalars queue_training_step(models::Autoencoder& model, Optimizer& optimizer, const std::vector<Batch>& batches,
                                const StepSettings& settings, const at::Tensor& sparsity_weight, double learning_rate,
                                int64_t step) {
  const auto one_by_one = [&] {
    return run_passes(model, optimizer, batches, settings, sparsity_weight, step, false).sums;
  };
  StepScalars sums;
  if (settings.captured && batches.size() == 1)
    sums = settings.captured->run(batches[0], told_levels(batches[0], settings, step), settings, sparsity_weight,
                                  one_by_one);
  else sums = one_by_one();
  sums.gradient_norm = fused_gradient_norm(optimizer.parameters());
  if (settings.gradient_clip > 0)
    fused_clip_gradients(optimizer.parameters(), sums.gradient_norm, settings.gradient_clip);
  finish_step(model, optimizer, settings, learning_rate);
  return sums;
}

StepScalars queue_pass(models::Autoencoder& model, const Batch& batch, const StepSettings& settings,
                       const at::Tensor& sparsity_weight) {
  const Pass pass = run_pass(model, batch, settings, sparsity_weight, 1);
  StepScalars scalars;
  add_figures(scalars, pass, 1);
  pass.losses.total.backward();
  scalars.indices.clear();
  keep_last(scalars, pass);
  return scalars;
}

StepFigures read_figures(const StepScalars& scalars, int64_t num_codes, const Adversary* adversary) {
  const at::Tensor missing = at::full({}, std::numeric_limits<double>::quiet_NaN(), scalars.loss.options());
  std::vector<at::Tensor> all{scalars.loss, scalars.reconstruction, scalars.latent, scalars.sparsity,
                              scalars.nnz,  scalars.gradient_norm};
  for (at::Tensor& scalar : all)
    if (!scalar.defined()) scalar = missing;
  const at::Tensor read = at::stack(all).cpu();
  const auto* values = read.const_data_ptr<double>();
  StepFigures figures;
  figures.loss = values[0];
  figures.reconstruction = values[1];
  figures.latent = values[2];
  figures.sparsity = values[3];
  figures.nnz = values[4];
  figures.gradient_norm = values[5];
  metrics::CodeUsage usage(num_codes);
  for (const at::Tensor& indices : scalars.indices) usage.add(indices.cpu());
  figures.codes_used = usage.used_share();
  figures.perplexity = usage.perplexity();
  if (adversary) figures.adversary = adversary->figures();
  figures.output = scalars.output;
  figures.target = scalars.target;
  figures.code = scalars.code;
  return figures;
}

int64_t measure_pass_memory(models::Autoencoder& model, const Batch& batch, const StepSettings& settings) {
  StepSettings own = settings;
  own.adversary = nullptr;
  std::vector<at::Tensor> values;
  for (const at::Tensor& buffer : model.buffers()) values.push_back(buffer.clone());
  int64_t bytes = 0;
  {
    const nn::TensorMemory memory;
    run_pass(model, batch, own, settings.loss.sparsity_weight, 1).losses.total.backward();
    bytes = memory.peak_bytes();
  }
  model.zero_grad(true);
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> buffers = model.buffers();
  for (size_t i = 0; i < buffers.size(); ++i) at::Tensor(buffers[i]).copy_(values[i]);
  return bytes;
}

}  // namespace sscvae::train
