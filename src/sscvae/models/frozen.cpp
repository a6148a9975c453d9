#include "sscvae/models/frozen.h"

#include "sscvae/core/error.h"
#include "sscvae/models/network_autoencoder.h"
#include "sscvae/networks/bind.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {

graph::Graph frozen(const Autoencoder& model) {
  const auto* network = dynamic_cast<const NetworkAutoencoder*>(&model);
  if (!network) throw UsageError("only models of the table can become a graph");
  return networks::bind(
      network->network(), [&](const std::string& name) -> Array { return network->weight(name).detach().cpu(); },
      network->settings());
}

}  // namespace sscvae::models
