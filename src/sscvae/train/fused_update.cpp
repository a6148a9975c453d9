#include "sscvae/train/fused_update.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/nn/arrays.h"

namespace sscvae::train {

void fused_adam_step(const AdamTensors& tensors, int64_t step, double learning_rate, const AdamOptions& options) {
  if (tensors.parameters.empty()) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients = tensors.gradients;
  for (size_t i = 0; i < gradients.size(); ++i)
    if (gradients[i].strides() != tensors.parameters[i].strides())
      gradients[i] = at::empty_like(tensors.parameters[i]).copy_(gradients[i]);
  // All parameters have made the same number of steps; the operation only reads it.
  const at::Tensor time =
      at::full({}, static_cast<double>(step), tensors.parameters[0].options().dtype(at::kFloat).requires_grad(false));
  const std::vector<at::Tensor> times(tensors.parameters.size(), time);
  at::_fused_adamw_(tensors.parameters, gradients, tensors.first_moments, tensors.second_moments, {}, times,
                    learning_rate, options.beta1, options.beta2, options.weight_decay, options.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false);
}

std::vector<at::Tensor> gradients_of(const std::vector<NamedParameter>& parameters) {
  std::vector<at::Tensor> gradients;
  for (const auto& [name, parameter] : parameters)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  return gradients;
}

at::Tensor fused_gradient_norm(const std::vector<NamedParameter>& parameters) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> gradients = gradients_of(parameters);
  if (gradients.empty()) {
    const c10::Device device = parameters.empty() ? c10::Device(c10::kCPU) : parameters[0].second.device();
    return at::zeros({}, at::TensorOptions(device).dtype(at::kDouble));
  }
  return at::stack(at::_foreach_norm(gradients)).to(at::kDouble).square().sum().sqrt();
}

void fused_clip_gradients(const std::vector<NamedParameter>& parameters, const at::Tensor& norm, double max_norm) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> gradients = gradients_of(parameters);
  if (gradients.empty()) return;
  const at::Tensor scale = (max_norm / (norm + 1e-6)).clamp_max(1);
  at::_foreach_mul_(gradients, scale.to(gradients[0].scalar_type()));
}

}  // namespace sscvae::train
