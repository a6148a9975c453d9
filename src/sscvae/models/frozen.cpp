#include "sscvae/models/frozen.h"

#include <map>

#include "sscvae/core/error.h"
#include "sscvae/models/convolutional_coder.h"
#include "sscvae/models/sparse_coding_autoencoder.h"
#include "sscvae/networks/bind.h"
#include "sscvae/networks/table.h"

namespace sscvae::models {

namespace {

networks::PassSettings settings_of(const Autoencoder& model) {
  networks::PassSettings settings;
  if (const auto* coding = dynamic_cast<const SparseCodingAutoencoder*>(&model))
    settings.strength = coding->sparse_coder().threshold_scale();
  if (const auto* coder = dynamic_cast<const ConvolutionalCoder*>(&model)) {
    settings.strength = coder->threshold_scale();
    if (const auto level = coder->noise_level()) settings.sigma_8bit = *level * 255;
  }
  return settings;
}

}  // namespace

graph::Graph frozen(const Autoencoder& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.emplace(item.key(), item.value());
  for (const auto& item : model.named_buffers()) tensors.emplace(item.key(), item.value());
  const auto lookup = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw InternalError("the model has no tensor '" + name + "'");
    return found->second;
  };
  return networks::bind(networks::find_model(model.options().name).network(model.options()), lookup,
                        settings_of(model));
}

}  // namespace sscvae::models
