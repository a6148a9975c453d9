#include "sscvae/models/variational_autoencoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>

#include "sscvae/core/random.h"
#include "sscvae/core/to_device.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/blocks.h"

namespace sscvae::models {

namespace {

constexpr double kLowestLogVariance = -30, kHighestLogVariance = 20;

}  // namespace

at::Tensor gaussian_divergence(const at::Tensor& mean, const at::Tensor& log_variance) {
  return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum({1}).mean();
}

VariationalAutoencoder::VariationalAutoencoder(const ModelOptions& options)
    : BackboneAutoencoder(options, options.vae.latent_dim) {
  posterior_ =
      register_module("_posterior", nn::same_convolution(options.vae.latent_dim, 2 * options.vae.latent_dim, 1));
}

void VariationalAutoencoder::infer(const at::Tensor& images, ForwardResult& result) {
  result.features = features_of(images);
  const nn::AutocastDisabled full_precision(images.device().type());
  const std::vector<at::Tensor> moments = posterior_->forward(result.features).chunk(2, 1);
  result.mean = moments[0];
  result.log_variance = moments[1].clamp(kLowestLogVariance, kHighestLogVariance);
  result.code = result.mean;
  if (!is_training()) return;
  at::Generator generator = at::detail::createCPUGenerator(derive_seed(noise_seed(), "reparametrisation"));
  const at::Tensor drawn = at::randn(result.mean.sizes(), generator, at::TensorOptions().dtype(at::kFloat));
  const at::Tensor noise = to_device(drawn, result.mean.device()).to(result.mean.scalar_type());
  result.code = result.mean + (0.5 * result.log_variance).exp() * noise;
}

ForwardResult VariationalAutoencoder::forward(const at::Tensor& images) {
  ForwardResult result;
  infer(images, result);
  result.latent_loss = options().vae.kl_weight * gaussian_divergence(result.mean, result.log_variance);
  decode_into(result, result.code);
  return result;
}

at::Tensor VariationalAutoencoder::encode(const at::Tensor& images) {
  ForwardResult result;
  infer(images, result);
  return result.code;
}

at::Tensor VariationalAutoencoder::decode(const at::Tensor& code) { return reconstruct(code); }

}  // namespace sscvae::models
