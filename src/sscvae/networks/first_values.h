#pragma once

#include <map>
#include <string>

#include "sscvae/networks/model_options.h"
#include "sscvae/networks/network.h"

namespace sscvae::networks {

/// The weights that a model starts from, by name: a function of options and seed. Dictionaries and what follows from
/// them, codebooks and frames of filters have rules of their own (Start::Rule::kOwn). csc: A_t, B_t and W are one tight
/// frame of cosine atoms scaled to norm 1 and, where more atoms are wanted than there are cosines, sine atoms; groups
/// are atoms of neighbouring frequencies.
std::map<std::string, Array> first_values(const Network& network, const ModelOptions& options, uint64_t seed);
/// The same of any network: `own` has the weights with rules of their own, the others are drawn in the order of their
/// declaration.
std::map<std::string, Array> drawn_values(const Network& network, const std::map<std::string, Array>& own,
                                          uint64_t seed);

/// The filters B that add up what filters A [K,C,k,k] see: an ordinary convolution's weight [C,K,k,k].
Array synthesis_of(const Array& filters);
/// Codes drawn evenly from [-1/K, 1/K): [K,d].
Array uniform_codebook(const VectorQuantizerOptions& options, uint64_t seed);

}  // namespace sscvae::networks
