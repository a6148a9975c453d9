#include "sscvae/train/device_state.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::train {

DeviceState::DeviceState(const TrainingState& state, const TrainOptions& options, c10::Device device)
    : loss_options_(options.loss), divergence_factor_(options.divergence_factor) {
  const at::TensorOptions doubles = at::TensorOptions(device).dtype(at::kDouble);
  sparsity_weight_ = used_weight_ = at::full({}, state.sparsity_weight, doubles);
  running_loss_ = at::full({}, state.running_loss, doubles);
  last_loss_ = at::full({}, state.last_loss, doubles);
  first_bad_ = at::zeros({4}, doubles);
}

void DeviceState::take(const StepScalars& step, int64_t number) {
  const at::NoGradGuard no_grad;
  const at::Tensor &loss = step.loss, &norm = step.gradient_norm;
  at::Tensor bad = at::isfinite(loss + norm).logical_not();
  if (divergence_factor_ > 0 && number > kRunningStart) bad = bad.logical_or(loss > divergence_factor_ * running_loss_);
  const at::Tensor time = at::full({}, static_cast<double>(number), loss.options());
  first_bad_ = at::where(bad.logical_and(first_bad_[0] == 0), at::stack({time, loss, norm, running_loss_}), first_bad_);
  running_loss_ = at::where(running_loss_.isnan(), loss, running_loss_ + kRunningShare * (loss - running_loss_));
  last_loss_ = loss;
  used_weight_ = sparsity_weight_;
  if (step.nnz.defined()) sparsity_weight_ = models::steer_sparsity_weight(sparsity_weight_, step.nnz, loss_options_);
}

double DeviceState::read(TrainingState& state) const {
  const at::Tensor carried = at::stack({sparsity_weight_, used_weight_, running_loss_, last_loss_});
  const at::Tensor here = at::cat({carried, first_bad_}).cpu();
  const auto* values = here.const_data_ptr<double>();
  const double *bad = values + 4, loss = bad[1], norm = bad[2];
  if (bad[0] > 0 && !(std::isfinite(loss) && std::isfinite(norm)))
    throw DivergenceError(format("training diverged at step %lld: loss %s, gradient norm %s",
                                 static_cast<long long>(bad[0]), to_text(loss).c_str(), to_text(norm).c_str()));
  if (bad[0] > 0)
    throw DivergenceError(format("training diverged at step %lld: loss %s is more than %s times its running mean %s",
                                 static_cast<long long>(bad[0]), to_text(loss).c_str(),
                                 to_text(divergence_factor_).c_str(), to_text(bad[3]).c_str()));
  state.sparsity_weight = values[0];
  state.running_loss = values[2];
  state.last_loss = values[3];
  return values[1];
}

}  // namespace sscvae::train
