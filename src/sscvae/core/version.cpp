#include "sscvae/core/version.h"

#include "sscvae/core/version_config.h"

namespace sscvae {

std::string version() { return SSCVAE_VERSION; }

}  // namespace sscvae
