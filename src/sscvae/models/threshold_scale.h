#pragma once

#include <span>

#include "sscvae/models/autoencoder.h"

namespace sscvae::models {

/// Multiplies all thresholds of a model's sparse coders from now on (1 = as trained): the strength knob. False, and
/// nothing happens, for a model without sparse coder. Errors: UsageError if negative or not finite.
bool set_threshold_scale(Autoencoder& model, double scale);

/// Tells a model that goes by the noise level what it is, in 8-bit grey levels: one for all images from now on, or one
/// for each image of the passes from now on; empty: the model estimates it in each image. False, and nothing happens,
/// for other models.
bool set_noise_levels(Autoencoder& model, std::span<const double> sigma_8bit);
/// The same as a tensor [N,1,1,1] on the model's device, in units of [0,1]: float32(sigma_8bit / 255). The model keeps
/// it and reads it in each pass; undefined: back to the other.
bool set_noise_level_tensor(Autoencoder& model, const at::Tensor& levels);

/// Recomputes levels of the network in the backward pass from now on instead of keeping them (nn/recompute.h).
void set_recompute(Autoencoder& model, bool recompute);

}  // namespace sscvae::models
