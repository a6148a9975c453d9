#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sscvae/networks/network.h"
#include "sscvae/serialization/state_dict.h"

namespace sscvae::metrics {

/// Names and shapes of tensors.
using Expected = std::vector<std::pair<std::string, Sizes>>;
/// Those of a network.
Expected expected_of(const networks::Network& network);

/// The tensors of a file that must hold these and no others, in float32, whatever floating type they have there.
/// Entries that end with `ignored` may be there or not. Errors: FormatError naming `source` and the first missing,
/// misshapen or unexpected tensor.
serialization::StateDict checked_weights(const Expected& expected, const serialization::StateDict& state,
                                         const std::string& source, const std::string& ignored = "");

}  // namespace sscvae::metrics
