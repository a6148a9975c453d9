#pragma once

#include "sscvae/networks/model_options.h"

/// How large a model is, by arithmetic alone: an untrusted configuration is compared with the tensors beside it before
/// the model that it describes is made.
namespace sscvae::networks {

/// The numbers in all parameters and buffers of make_autoencoder(options, ...). A double, as what a configuration may
/// claim fits no integer; exact up to 2^53. Options that make_autoencoder refuses have a size, too.
double size_of_sparse_coding(const ModelOptions& options);
double size_of_vector_quantized(const ModelOptions& options);
double size_of_variational(const ModelOptions& options);
double size_of_convolutional_coder(const ModelOptions& options);

}  // namespace sscvae::networks
