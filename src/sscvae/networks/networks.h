#pragma once

#include "sscvae/networks/model_options.h"
#include "sscvae/networks/network.h"

/// Every model's network. All errors: UsageError for options that contradict each other.
namespace sscvae::networks {

/// ssc-vae, sc-vae-in and sc-vae: they differ in how thresholds come about.
Network sparse_coding_autoencoder(const ModelOptions& options);
/// vq-vae and vq-gan.
Network vector_quantized_autoencoder(const ModelOptions& options);
/// vae.
Network variational_autoencoder(const ModelOptions& options);
/// csc.
Network convolutional_sparse_coder(const ModelOptions& options);

}  // namespace sscvae::networks
