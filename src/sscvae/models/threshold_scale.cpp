#include "sscvae/models/threshold_scale.h"

#include "sscvae/models/network_autoencoder.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {

bool set_threshold_scale(Autoencoder& model, double scale) {
  auto* network = dynamic_cast<NetworkAutoencoder*>(&model);
  if (!network || !network->has_sparse_code()) return false;
  network->set_threshold_scale(scale);
  return true;
}

bool set_noise_levels(Autoencoder& model, std::span<const double> sigma_8bit) {
  auto* network = dynamic_cast<NetworkAutoencoder*>(&model);
  if (!network || !network->knows_noise_levels()) return false;
  network->set_noise_levels(sigma_8bit);
  return true;
}

bool set_noise_level_tensor(Autoencoder& model, const at::Tensor& levels) {
  auto* network = dynamic_cast<NetworkAutoencoder*>(&model);
  if (!network || !network->knows_noise_levels()) return false;
  network->set_noise_level_tensor(levels);
  return true;
}

void set_recompute(Autoencoder& model, bool recompute) {
  if (auto* network = dynamic_cast<NetworkAutoencoder*>(&model)) network->set_recompute(recompute);
}

}  // namespace sscvae::models
