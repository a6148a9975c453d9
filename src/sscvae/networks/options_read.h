#pragma once

#include <string_view>

#include "sscvae/networks/model_options.h"

namespace sscvae::networks {

/// Does the option `key` ("model.csc.kernel") say anything about the model that these options describe? Its row of the
/// table names what it reads; of that, some counts only with certain values of others: those of the other backbone do
/// not, nor the window of groups where entries are shrunk one by one. True for keys outside of "model.".
bool reads_option(const ModelOptions& options, std::string_view key);

}  // namespace sscvae::networks
