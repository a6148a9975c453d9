#pragma once

#include <torch/nn/module.h>

namespace sscvae::train {

/// One step of the running average of a model's weights: average <- decay average + (1 - decay) model, parameter by
/// parameter. The first steps average less, with min(decay, (1 + step) / (10 + step)) in place of decay, so that the
/// random start is forgotten; `step` counts from 0. Buffers (statistics, power iterations) are copied.
/// Both modules have the same structure.
void update_average(torch::nn::Module& average, torch::nn::Module& model, double decay, int64_t step);

/// min(decay, (1 + step) / (10 + step)).
double average_decay(double decay, int64_t step);

/// Copies parameters and buffers.
void copy_weights(torch::nn::Module& to, torch::nn::Module& from);

}  // namespace sscvae::train
