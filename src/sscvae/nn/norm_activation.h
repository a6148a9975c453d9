#pragma once

#include "sscvae/kernels/norm_act.h"
#include "sscvae/nn/live.h"

/// Normalisation, activation and pooling as one operation with gradients: what `activation(norm(x))` and, with
/// `form.pool`, `max_pool2d(relu(norm(x)), 2)` compute, within rounding, keeping only x for the backward pass. The
/// kernel is that of kernels/norm_act.h where it fits; other maps (float64, other devices, odd channel counts) take the
/// plain operations, and so do passes without gradients, whose operations can be counted: fast inference is the
/// engine's.
namespace sscvae::nn {

/// `training`: by the batch's statistics, towards which the running ones move; otherwise by the running ones.
at::Tensor norm_activation(const live::BatchNorm& norm, const at::Tensor& x, const kernels::NormActForm& form,
                           bool training);
at::Tensor norm_activation(const live::GroupNorm& norm, const at::Tensor& x, const kernels::NormActForm& form);

/// pool(activation(x)) in plain operations.
at::Tensor plain_activation(const at::Tensor& x, const kernels::NormActForm& form);

}  // namespace sscvae::nn
