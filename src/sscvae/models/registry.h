#pragma once

#include <memory>

#include "sscvae/models/autoencoder.h"

namespace sscvae::models {

/// A freshly initialised model. All initial values derive from `seed`.
/// Errors: UsageError for option combinations that make no sense.
std::shared_ptr<Autoencoder> make_autoencoder(const ModelOptions& options, uint64_t seed);

}  // namespace sscvae::models
