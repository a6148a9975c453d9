#pragma once

#include <string>

namespace sscvae {

/// "0.1.0".
std::string version();

}  // namespace sscvae
