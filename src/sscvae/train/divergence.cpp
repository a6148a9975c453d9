#include "sscvae/train/divergence.h"

#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::train {

namespace {

bool is_bad(const at::Tensor& tensor) {
  return tensor.defined() && tensor.is_floating_point() && !at::isfinite(tensor.detach()).all().item<bool>();
}

}  // namespace

std::string first_bad_weight(torch::nn::Module& module) {
  for (const auto& [name, tensor] : models::named_tensors(module))
    if (is_bad(tensor)) return "weight '" + name + "'";
  return "";
}

std::string first_bad_tensor(models::Autoencoder& model, const at::Tensor& input, const models::ForwardResult& result,
                             const models::Losses& losses) {
  if (const std::string weight = first_bad_weight(model); !weight.empty()) return weight;
  const std::pair<const char*, const at::Tensor&> tensors[] = {
      {"input", input},
      {"features", result.features},
      {"threshold_inference", result.threshold_inference},
      {"threshold_refinement", result.threshold_refinement},
      {"threshold", result.threshold},
      {"mean", result.mean},
      {"log_variance", result.log_variance},
      {"code", result.code},
      {"coded_features", result.coded_features},
      {"logits", result.logits},
      {"reconstruction", result.reconstruction},
      {"loss.reconstruction", losses.reconstruction},
      {"loss.latent", losses.latent},
      {"loss.sparsity", losses.sparsity},
      {"loss.total", losses.total},
  };
  for (const auto& [name, tensor] : tensors)
    if (is_bad(tensor)) return name;
  for (const auto& [name, parameter] : named_parameters(model))
    if (is_bad(parameter.grad())) return "gradient of '" + name + "'";
  return "";
}

}  // namespace sscvae::train
