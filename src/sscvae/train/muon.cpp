#include "sscvae/train/muon.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace sscvae::train {

namespace {

constexpr int kIterations = 5;
constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
constexpr int64_t kSmallestSide = 4;

/// Outputs by inputs; inputs in the order in which channels-last memory has them, so that most filters are not copied.
at::Tensor as_matrix(const at::Tensor& filters) { return filters.permute({0, 2, 3, 1}).reshape({filters.size(0), -1}); }

std::vector<NamedParameter> select(const std::vector<NamedParameter>& parameters, bool orthogonal) {
  std::vector<NamedParameter> selected;
  for (const NamedParameter& parameter : parameters)
    if (is_orthogonal(parameter) == orthogonal) selected.push_back(parameter);
  return selected;
}

}  // namespace

at::Tensor orthogonalize(const at::Tensor& matrix) {
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = tall ? matrix.t() : matrix;
  x = x / (x.norm() + 1e-7);
  for (int i = 0; i < kIterations; ++i) {
    const at::Tensor a = at::mm(x, x.t());
    x = at::addmm(x, at::addmm(a, a, a, kCubic, kQuintic), x, kLinear, 1);
  }
  return tall ? x.t() : x;
}

bool is_orthogonal(const NamedParameter& parameter) {
  const auto& [name, tensor] = parameter;
  if (!name.ends_with(".weight") || tensor.dim() != 4) return false;
  const int64_t outputs = tensor.size(0);
  return std::min(outputs, tensor.numel() / outputs) >= kSmallestSide;
}

Muon::Muon(std::vector<NamedParameter> parameters, MuonOptions options, AdamOptions adam)
    : Optimizer(std::move(parameters)),
      filters_(select(parameters_, true)),
      options_(options),
      adam_(select(parameters_, false), adam) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, filters] : filters_) momenta_.push_back(at::zeros_like(filters));
}

void Muon::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  adam_.step(learning_rate);
  const double rate = learning_rate * options_.learning_rate_ratio;
  for (size_t i = 0; i < filters_.size(); ++i) {
    const at::Tensor filters = filters_[i].second.detach(), &gradient = filters_[i].second.grad();
    if (!gradient.defined()) continue;
    momenta_[i].lerp_(gradient, 1 - options_.momentum);
    at::Tensor direction = as_matrix(gradient.lerp(momenta_[i], options_.momentum));
    const double tall = static_cast<double>(direction.size(0)) / static_cast<double>(direction.size(1));
    if (options_.bf16) direction = direction.to(at::kBFloat16);
    direction = orthogonalize(direction).to(filters.scalar_type());
    filters.mul_(1 - rate * options_.weight_decay)
        .sub_(
            direction.view({filters.size(0), filters.size(2), filters.size(3), filters.size(1)}).permute({0, 3, 1, 2}),
            rate * std::sqrt(std::max(1.0, tall)));
  }
}

serialization::StateDict Muon::state() const {
  serialization::StateDict state = adam_.state();
  for (size_t i = 0; i < filters_.size(); ++i) state.add("momentum." + filters_[i].first, momenta_[i]);
  return state;
}

void Muon::load_state(const serialization::StateDict& state, int64_t steps, const std::string& source) {
  Optimizer::load_state(state, steps, source);
  adam_.load_state(state, steps, source);
}

}  // namespace sscvae::train
