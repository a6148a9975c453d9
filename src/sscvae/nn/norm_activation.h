#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/normalization.h>

#include "sscvae/kernels/norm_act.h"

/// Normalisation, activation and pooling as one operation with gradients: what `activation(norm(x))` and, with
/// `form.pool`, `max_pool2d(relu(norm(x)), 2)` compute, within rounding, keeping only x for the backward pass. The
/// kernel is that of kernels/norm_act.h where it fits; other maps (float64, other devices, odd channel counts) take the
/// plain modules, and so do passes without gradients, whose operations can be counted: fast inference is the engine's.
namespace sscvae::nn {

/// Uses batch statistics, and updates the running ones, as the module does in its present mode.
at::Tensor norm_activation(torch::nn::BatchNorm2d& norm, const at::Tensor& x, const kernels::NormActForm& form);
at::Tensor norm_activation(torch::nn::GroupNorm& norm, const at::Tensor& x, const kernels::NormActForm& form);

/// pool(activation(x)) in plain operations.
at::Tensor plain_activation(const at::Tensor& x, const kernels::NormActForm& form);

}  // namespace sscvae::nn
