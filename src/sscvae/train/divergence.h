#pragma once

#include <string>

#include "sscvae/models/autoencoder.h"
#include "sscvae/models/losses.h"
#include "sscvae/train/optimizer.h"

/// Training that left the finite numbers.
namespace sscvae::train {

/// "weight '_LISTA._Dict'", "features", "loss", "gradient of '_encoder._conv_1.weight'": the first tensor that holds
/// NaN or infinity, in the order weights and buffers, input, what the forward pass makes, losses, gradients; "" if all
/// are finite.
std::string first_bad_tensor(models::Autoencoder& model, const at::Tensor& input, const models::ForwardResult& result,
                             const models::Losses& losses);

/// The first weight or buffer that is not finite, as above.
std::string first_bad_weight(torch::nn::Module& module);

}  // namespace sscvae::train
