#include "sscvae/train/muon.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace sscvae::train {

namespace {

constexpr int kIterations = 5;
constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
constexpr int64_t kSmallestSide = 4;

/// Outputs by inputs; inputs in the order in which channels-last memory has them, so that most filters are not copied.
at::Tensor as_matrix(const at::Tensor& filters) { return filters.permute({0, 2, 3, 1}).reshape({filters.size(0), -1}); }

/// The same back, in the shape of `like`.
at::Tensor as_filters(const at::Tensor& matrix, const at::Tensor& like) {
  return matrix.reshape({like.size(0), like.size(2), like.size(3), like.size(1)}).permute({0, 3, 1, 2});
}

/// sqrt(max(1, m / n)).
double stretch_of(const at::Tensor& matrix) {
  return std::sqrt(std::max(1.0, static_cast<double>(matrix.size(0)) / static_cast<double>(matrix.size(1))));
}

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

at::Tensor orthogonalize_each(const at::Tensor& matrices) {
  const bool tall = matrices.size(1) > matrices.size(2);
  at::Tensor x = tall ? matrices.transpose(1, 2) : matrices;
  x = x / (x.norm(2, {1, 2}, true) + 1e-7);
  for (int i = 0; i < kIterations; ++i) {
    const at::Tensor a = at::bmm(x, x.transpose(1, 2));
    x = at::baddbmm(x, at::baddbmm(a, a, a, kCubic, kQuintic), x, kLinear, 1);
  }
  return tall ? x.transpose(1, 2) : x;
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
  if (!on_cpu(filters_)) return step_together(rate);
  for (size_t i = 0; i < filters_.size(); ++i) {
    const at::Tensor filters = filters_[i].second.detach(), &gradient = filters_[i].second.grad();
    if (!gradient.defined()) continue;
    momenta_[i].lerp_(gradient, 1 - options_.momentum);
    at::Tensor direction = as_matrix(gradient.lerp(momenta_[i], options_.momentum));
    const double stretch = stretch_of(direction);
    if (options_.bf16) direction = direction.to(at::kBFloat16);
    direction = orthogonalize(direction).to(filters.scalar_type());
    filters.mul_(1 - rate * options_.weight_decay).sub_(as_filters(direction, filters), rate * stretch);
  }
}

void Muon::step_together(double rate) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> filters, gradients, momenta;
  for (size_t i = 0; i < filters_.size(); ++i) {
    if (!filters_[i].second.grad().defined()) continue;
    filters.push_back(filters_[i].second.detach());
    gradients.push_back(filters_[i].second.grad());
    momenta.push_back(momenta_[i]);
  }
  if (filters.empty()) return;
  at::_foreach_lerp_(momenta, gradients, at::Scalar(1 - options_.momentum));
  const std::vector<at::Tensor> directions = at::_foreach_lerp(gradients, momenta, at::Scalar(options_.momentum));
  at::_foreach_mul_(filters, at::Scalar(1 - rate * options_.weight_decay));
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> by_shape;
  for (size_t i = 0; i < filters.size(); ++i)
    by_shape[{filters[i].size(0), filters[i].numel() / filters[i].size(0)}].push_back(i);
  for (const auto& [shape, members] : by_shape) {
    std::vector<at::Tensor> matrices, targets, steps;
    for (const size_t i : members) matrices.push_back(as_matrix(directions[i]));
    const double stretch = stretch_of(matrices[0]);
    const at::Tensor stacked = at::stack(matrices);
    const at::Tensor found =
        orthogonalize_each(options_.bf16 ? stacked.to(at::kBFloat16) : stacked).to(filters[members[0]].scalar_type());
    for (size_t k = 0; k < members.size(); ++k) {
      targets.push_back(filters[members[k]]);
      steps.push_back(as_filters(found[static_cast<int64_t>(k)], targets.back()));
    }
    at::_foreach_sub_(targets, steps, at::Scalar(rate * stretch));
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
