#pragma once

#include "sscvae/models/autoencoder.h"

namespace sscvae::models {

/// Multiplies all thresholds of a model's sparse coders from now on (1 = as trained): the strength knob. False, and
/// nothing happens, for a model without sparse coder. Errors: UsageError if negative or not finite.
bool set_threshold_scale(Autoencoder& model, double scale);

}  // namespace sscvae::models
