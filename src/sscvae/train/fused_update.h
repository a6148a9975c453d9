#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sscvae/train/optimizer.h"

/// What an optimizer does, for all parameters in a few operations of LibTorch: for devices, where each operation costs
/// the same however small its tensors are. Nothing is read back to the host. The CPU has a faster way
/// (kernels/adam_update.h).
namespace sscvae::train {

/// Parameters with a gradient and what belongs to them, in the same order; all of one type on one device.
struct AdamTensors {
  std::vector<at::Tensor> parameters, gradients, first_moments, second_moments;
};

/// Step number `step` (from 1 on) of Adam as in optimizer.h. Gradients in another memory layout are copied.
void fused_adam_step(const AdamTensors& tensors, int64_t step, double learning_rate, const AdamOptions& options);

/// As gradient_norm, a float64 scalar on the parameters' device.
at::Tensor fused_gradient_norm(const std::vector<NamedParameter>& parameters);
/// As clip_gradients.
void fused_clip_gradients(const std::vector<NamedParameter>& parameters, const at::Tensor& norm, double max_norm);

/// The defined gradients of the parameters.
std::vector<at::Tensor> gradients_of(const std::vector<NamedParameter>& parameters);

}  // namespace sscvae::train
