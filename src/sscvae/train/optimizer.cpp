#include "sscvae/train/optimizer.h"

#include <ATen/Parallel.h>
#include <torch/nn/module.h>

#include <cmath>
#include <unordered_set>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/adam_update.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/fused_update.h"

namespace sscvae::train {

std::vector<NamedParameter> named_parameters(torch::nn::Module& module) {
  std::unordered_map<const void*, at::Tensor> by_memory;
  for (const at::Tensor& parameter : module.parameters()) by_memory.emplace(parameter.data_ptr(), parameter);
  std::vector<NamedParameter> parameters;
  for (const auto& [name, tensor] : models::named_tensors(module)) {
    const auto found = by_memory.find(tensor.data_ptr());
    if (found != by_memory.end() && found->second.requires_grad()) parameters.emplace_back(name, found->second);
  }
  SSCVAE_ASSERT(parameters.size() <= by_memory.size());
  return parameters;
}

bool on_cpu(const std::vector<NamedParameter>& parameters) {
  return parameters.empty() || parameters[0].second.device().is_cpu();
}

double gradient_norm(const std::vector<NamedParameter>& parameters) {
  const at::NoGradGuard no_grad;
  if (!on_cpu(parameters)) return fused_gradient_norm(parameters).item<double>();
  double sum = 0;
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.grad().defined()) continue;
    const double norm = parameter.grad().norm().item<double>();
    sum += norm * norm;
  }
  return std::sqrt(sum);
}

void clip_gradients(const std::vector<NamedParameter>& parameters, double norm, double max_norm) {
  const at::NoGradGuard no_grad;
  const double scale = max_norm / (norm + 1e-6);
  if (scale >= 1) return;
  for (const auto& [name, parameter] : parameters)
    if (parameter.grad().defined()) parameter.grad().mul_(scale);
}

namespace {

using kernels::AdamStep;

constexpr int64_t kGrain = 1 << 14;  // elements below which a second thread does not pay

/// One pass over memory; all four tensors are dense, with equal strides.
template <class T>
void update_on_cpu(const at::Tensor& parameter, const at::Tensor& gradient, const at::Tensor& first,
                   const at::Tensor& second, const AdamStep& c) {
  T* p = parameter.mutable_data_ptr<T>();
  const T* g = gradient.const_data_ptr<T>();
  T* m = first.mutable_data_ptr<T>();
  T* v = second.mutable_data_ptr<T>();
  at::parallel_for(0, parameter.numel(), kGrain, [&](int64_t begin, int64_t end) {
    kernels::adam_update(p + begin, g + begin, m + begin, v + begin, end - begin, c);
  });
}

/// The same in whole-tensor operations, for any device and memory layout.
void update_anywhere(at::Tensor parameter, const at::Tensor& gradient, at::Tensor first, at::Tensor second,
                     const AdamStep& c) {
  parameter.mul_(c.decay);
  first.lerp_(gradient, c.one_minus_beta1);
  second.mul_(c.beta2).addcmul_(gradient, gradient, c.one_minus_beta2);
  parameter.addcdiv_(first, second.sqrt().div_(c.root_correction2).add_(c.epsilon), -c.step_size);
}

bool same_dense_layout(const at::Tensor& a, const at::Tensor& b) {
  return a.is_non_overlapping_and_dense() && a.strides() == b.strides() && a.scalar_type() == b.scalar_type() &&
         a.device().is_cpu() && b.device().is_cpu();
}

}  // namespace

Adam::Adam(std::vector<NamedParameter> parameters, AdamOptions options)
    : Optimizer(std::move(parameters)), options_(options) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters_) {
    first_moments_.push_back(at::zeros_like(parameter));
    second_moments_.push_back(at::zeros_like(parameter));
  }
}

void Adam::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  if (!on_cpu(parameters_)) return fused_adam_step(with_gradients(), steps_, learning_rate, options_);
  const double time = static_cast<double>(steps_);
  const AdamStep constants{1 - learning_rate * options_.weight_decay,
                           options_.beta2,
                           1 - options_.beta1,
                           1 - options_.beta2,
                           std::sqrt(1 - std::pow(options_.beta2, time)),
                           learning_rate / (1 - std::pow(options_.beta1, time)),
                           options_.epsilon};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& parameter = parameters_[i].second;
    if (!parameter.grad().defined()) continue;
    at::Tensor gradient = parameter.grad();
    const at::Tensor &first = first_moments_[i], &second = second_moments_[i];
    if (gradient.strides() != parameter.strides()) gradient = at::empty_like(parameter).copy_(gradient);
    if (!same_dense_layout(parameter, gradient) || !same_dense_layout(parameter, first) ||
        !same_dense_layout(parameter, second))
      update_anywhere(parameter.detach(), gradient, first, second, constants);
    else if (parameter.scalar_type() == at::kFloat) update_on_cpu<float>(parameter, gradient, first, second, constants);
    else if (parameter.scalar_type() == at::kDouble)
      update_on_cpu<double>(parameter, gradient, first, second, constants);
    else update_anywhere(parameter.detach(), gradient, first, second, constants);
  }
}

AdamTensors Adam::with_gradients() const {
  AdamTensors tensors;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& parameter = parameters_[i].second;
    if (!parameter.grad().defined()) continue;
    tensors.parameters.push_back(parameter.detach());
    tensors.gradients.push_back(parameter.grad());
    tensors.first_moments.push_back(first_moments_[i]);
    tensors.second_moments.push_back(second_moments_[i]);
  }
  return tensors;
}

void Optimizer::clear_gradients() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = at::Tensor();
}

serialization::StateDict Optimizer::state() const { return models::state_from(moments()); }

models::NamedTensors Adam::moments() const {
  models::NamedTensors moments;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    moments.emplace_back("exp_avg." + parameters_[i].first, first_moments_[i]);
    moments.emplace_back("exp_avg_sq." + parameters_[i].first, second_moments_[i]);
  }
  return moments;
}

void Optimizer::load_state(const serialization::StateDict& state, int64_t steps, const std::string& source) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, mine] : moments()) {
    const at::Tensor stored = state.at(name, source);
    if (stored.sizes() != mine.sizes())
      throw FormatError(source + ": " + name + ": expected shape " + shape_text(mine) + ", got " + shape_text(stored));
    at::Tensor(mine).copy_(stored);
  }
  steps_ = steps;
}

}  // namespace sscvae::train
