#pragma once

#include <string_view>

#include "sscvae/networks/model_options.h"

namespace sscvae::networks {

/// Does the option `key` ("model.csc.kernel") have an effect on the model that these options describe? The model's row
/// names the options it reads. Some of them depend on others: options of the unused backbone have no effect, nor does
/// the window of groups unless shrinkage is grouped. True for keys outside of "model.".
bool reads_option(const ModelOptions& options, std::string_view key);

}  // namespace sscvae::networks
