// The steps of a run: on the CPU figures are read, checked and steered by in each; on a device in those that are
// logged.
#include <cmath>
#include <limits>
#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/divergence.h"
#include "sscvae/train/ema.h"
#include "sscvae/train/schedule.h"
#include "sscvae/train/training_run.h"

namespace sscvae::train {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::string status_of(const StepFigures& figures, double psnr) {
  std::string text = format("loss %.4g", figures.loss);
  if (std::isfinite(psnr)) text += format("  psnr %.2f dB", psnr);
  if (std::isfinite(figures.nnz)) text += format("  nnz %.1f", figures.nnz);
  if (std::isfinite(figures.codes_used)) text += format("  codes used %.0f %%", 100 * figures.codes_used);
  return text;
}

}  // namespace

const std::vector<std::string>& TrainingRun::log_columns() {
  static const std::vector<std::string> columns{"step",
                                                "epoch",
                                                "lr",
                                                "loss",
                                                "reconstruction",
                                                "latent",
                                                "sparsity",
                                                "perceptual",
                                                "adversarial",
                                                "adaptive_weight",
                                                "discriminator",
                                                "psnr_db",
                                                "nnz",
                                                "hoyer",
                                                "codes_used",
                                                "perplexity",
                                                "grad_norm",
                                                "sparsity_weight",
                                                "seconds"};
  return columns;
}

void TrainingRun::loop(Progress& progress) {
  if (state_.step >= total_steps_) return;
  const int64_t share = options_.train.accumulate;
  std::optional<data::Prefetcher> prefetcher;
  if (!data_.device_batches)
    prefetcher.emplace(*data_.batches, state_.step * share, total_steps_ * share, options_.data.workers);
  while (state_.step < total_steps_) {
    std::vector<Batch> batches;
    for (int64_t i = 0; i < share; ++i)
      batches.push_back(prefetcher ? tensors_of(prefetcher->next())
                                   : data_.device_batches->at(state_.step * share + i));
    if (device_state_) step_on_device(batches, progress);
    else step(batches, progress);
    if (validation_due()) validate_now();
    if (checkpoint_due()) save();
    if (request_.keep_going && !request_.keep_going(state_.step)) break;
    if (out_of_time()) break;
  }
}

std::string TrainingRun::with_last_checkpoint(const DivergenceError& error) const {
  return std::string(error.what()) + (saved_step_ > 0
                                          ? format("; last good checkpoint: step %lld in '%s'",
                                                   static_cast<long long>(saved_step_), folder_.last().c_str())
                                          : "; there is no checkpoint yet");
}

StepFigures TrainingRun::checked_step(const std::vector<Batch>& batches, double learning_rate) {
  const double factor = options_.train.divergence_factor;
  try {
    StepFigures figures = training_step(*model_, *optimizer_, batches, step_settings_, state_.sparsity_weight,
                                        learning_rate, state_.step + 1);
    if (factor > 0 && state_.step >= kRunningStart && figures.loss > factor * state_.running_loss)
      throw DivergenceError(format("training diverged at step %lld: loss %s is more than %s times its running mean %s",
                                   static_cast<long long>(state_.step + 1), to_text(figures.loss).c_str(),
                                   to_text(factor).c_str(), to_text(state_.running_loss).c_str()));
    return figures;
  } catch (const DivergenceError& error) {
    throw DivergenceError(with_last_checkpoint(error));
  }
}

void TrainingRun::count_step() {
  ++state_.step;
  if (!average_) return;
  update_average(*average_, *model_, options_.train.ema_decay, state_.step - 1);
  const at::NoGradGuard no_grad;
  average_->after_optimizer_step();
}

void TrainingRun::step(const std::vector<Batch>& batches, Progress& progress) {
  const TrainOptions& train = options_.train;
  const double learning_rate = learning_rate_at(train, state_.step, total_steps_);
  const StepFigures figures = checked_step(batches, learning_rate);
  count_step();
  state_.last_loss = figures.loss;
  state_.running_loss = std::isnan(state_.running_loss)
                            ? figures.loss
                            : state_.running_loss + kRunningShare * (figures.loss - state_.running_loss);
  const double used_weight = std::isfinite(figures.nnz) ? state_.sparsity_weight : kUnknown;
  if (std::isfinite(figures.nnz))
    state_.sparsity_weight = models::steer_sparsity_weight(used_weight, figures.nnz, train.loss);
  status_ = status_of(figures, kUnknown);
  if (log_due()) log_step(figures, learning_rate, used_weight);
  progress.update(state_.step, status_);
}

void TrainingRun::step_on_device(const std::vector<Batch>& batches, Progress& progress) {
  const double learning_rate = learning_rate_at(options_.train, state_.step, total_steps_);
  const StepScalars scalars = queue_training_step(*model_, *optimizer_, batches, step_settings_,
                                                  device_state_->sparsity_weight(), learning_rate, state_.step + 1);
  count_step();
  device_state_->take(scalars, state_.step);
  if (log_due()) {
    const double used_weight = read_device_state();
    const StepFigures figures = read_figures(scalars, model_->num_codes(), adversary_.get());
    log_step(figures, learning_rate, std::isfinite(figures.nnz) ? used_weight : kUnknown);
  }
  progress.update(state_.step, status_);
}

double TrainingRun::read_device_state() {
  if (!device_state_) return kUnknown;
  try {
    return device_state_->read(state_);
  } catch (const DivergenceError& error) {
    const std::string bad = first_bad_weight(*model_);
    const DivergenceError named(bad.empty() ? std::string(error.what())
                                            : format("%s; now the %s is not finite", error.what(), bad.c_str()));
    throw DivergenceError(with_last_checkpoint(named));
  }
}

void TrainingRun::check_discriminator() const {
  if (!adversary_ || !adversary_->discriminator()) return;
  if (const std::string bad = first_bad_weight(*adversary_->discriminator()); !bad.empty())
    throw DivergenceError(format("training diverged: after step %lld the discriminator's %s is not finite",
                                 static_cast<long long>(state_.step), bad.c_str()));
}

bool TrainingRun::log_due() const { return state_.step % options_.train.log_every == 0 || state_.step == total_steps_; }

void TrainingRun::log_step(const StepFigures& figures, double learning_rate, double used_weight) {
  const double psnr = metrics::psnr_db(figures.target.cpu(), figures.output.clamp(0, 1).cpu());
  status_ = status_of(figures, psnr);
  const double hoyer = figures.code.defined() ? metrics::hoyer(figures.code.cpu()) : kUnknown;
  const double epoch = static_cast<double>(state_.step * options_.train.accumulate) /
                       static_cast<double>(data_.batches->batches_per_epoch());
  const AdversaryFigures& adversary = figures.adversary;
  const std::vector<double> values{epoch,
                                   learning_rate,
                                   figures.loss,
                                   figures.reconstruction,
                                   figures.latent,
                                   figures.sparsity,
                                   adversary.perceptual,
                                   adversary.adversarial,
                                   adversary.adaptive_weight,
                                   adversary.discriminator,
                                   psnr,
                                   figures.nnz,
                                   hoyer,
                                   figures.codes_used,
                                   figures.perplexity,
                                   figures.gradient_norm,
                                   used_weight,
                                   seconds_so_far()};
  log_->row(state_.step, values);
  for (size_t i = 1; i + 1 < values.size(); ++i)
    if (std::isfinite(values[i])) board_->scalar("train/" + log_columns()[i + 1], state_.step, values[i]);
}

}  // namespace sscvae::train
