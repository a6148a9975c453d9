#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "sscvae/models/options.h"
#include "sscvae/networks/network.h"

namespace sscvae::models {

/// The weights that a model starts from by rules of its own, by name: dictionaries and what follows from them,
/// codebooks and frames of filters (networks::Start::Rule::kOwn). A function of options and seed. csc: A_t, B_t and W
/// are one tight frame of cosine atoms scaled to norm 1 and, where more atoms are wanted than there are cosines, sine
/// atoms; groups are atoms of neighbouring frequencies.
std::map<std::string, at::Tensor> first_values(const networks::Network& network, const ModelOptions& options,
                                               uint64_t seed);

/// The filters B that add up what filters A [K,C,k,k] see: an ordinary convolution's weight [C,K,k,k].
at::Tensor synthesis_of(const at::Tensor& filters);

}  // namespace sscvae::models
