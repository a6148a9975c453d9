#include "sscvae/models/registry.h"

#include "sscvae/models/network_autoencoder.h"

namespace sscvae::models {

std::shared_ptr<Autoencoder> make_autoencoder(const ModelOptions& options, uint64_t seed) {
  return std::make_shared<NetworkAutoencoder>(options, seed);
}

}  // namespace sscvae::models
