#pragma once

#include "sscvae/train/checkpoint.h"
#include "sscvae/train/options.h"
#include "sscvae/train/training_step.h"

namespace sscvae::train {

inline constexpr double kRunningShare = 0.02;  ///< of the newest loss in the running mean
inline constexpr int64_t kRunningStart = 20;   ///< steps before the running mean is trusted

/// The numbers that training carries from step to step beside weights (TrainingState: losses and the weight of the
/// sparsity term), on a device, so that no step waits for them. In float64, as the CPU has them.
///
/// What the CPU checks in each step is noted here and found at the next read: a loss or a gradient that is not finite,
/// a loss that exceeds train.divergence_factor times its running mean.
class DeviceState {
 public:
  DeviceState(const TrainingState& state, const TrainOptions& options, c10::Device device);

  /// For the next step: a float64 scalar on the device.
  const at::Tensor& sparsity_weight() const { return sparsity_weight_; }
  /// After step `number`, counted from 1.
  void take(const StepScalars& step, int64_t number);

  /// Waits for the device; puts its numbers into `state`. Returns the weight that the last step used. Errors:
  /// DivergenceError that names the first step that went wrong, its loss and its gradient norm.
  double read(TrainingState& state) const;

 private:
  models::LossOptions loss_options_;
  double divergence_factor_;
  at::Tensor sparsity_weight_, used_weight_, running_loss_, last_loss_;
  at::Tensor first_bad_;  ///< step (0: none), loss, gradient norm, running mean of the loss
};

}  // namespace sscvae::train
