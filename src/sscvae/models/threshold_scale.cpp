#include "sscvae/models/threshold_scale.h"

#include "sscvae/models/convolutional_coder.h"
#include "sscvae/nn/sparse_coder.h"

namespace sscvae::models {

bool set_threshold_scale(Autoencoder& model, double scale) {
  bool found = false;
  for (const auto& module : model.modules(true)) {
    if (auto* coder = dynamic_cast<nn::SparseCoderImpl*>(module.get())) coder->set_threshold_scale(scale);
    else if (auto* convolutional = dynamic_cast<ConvolutionalCoder*>(module.get()))
      convolutional->set_threshold_scale(scale);
    else continue;
    found = true;
  }
  return found;
}

bool set_noise_levels(Autoencoder& model, std::span<const double> sigma_8bit) {
  auto* coder = dynamic_cast<ConvolutionalCoder*>(&model);
  if (coder) coder->set_noise_levels(sigma_8bit);
  return coder != nullptr;
}

bool set_noise_level_tensor(Autoencoder& model, const at::Tensor& levels) {
  auto* coder = dynamic_cast<ConvolutionalCoder*>(&model);
  if (coder) coder->set_noise_level_tensor(levels);
  return coder != nullptr;
}

}  // namespace sscvae::models
