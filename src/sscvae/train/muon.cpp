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
#include <tuple>

#include "sscvae/nn/arrays.h"

namespace sscvae::train {

namespace {

constexpr int kIterations = 5;
constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
constexpr int64_t kSmallestSide = 4;

/// Rows by the numbers of one, in the order in which channels-last memory has them, so that most filters are not
/// copied.
at::Tensor as_matrix(const at::Tensor& filters, int64_t row_axis) {
  const at::Tensor rows_first = filters.transpose(0, row_axis);
  return rows_first.permute({0, 2, 3, 1}).reshape({rows_first.size(0), -1});
}

/// The same back, in the shape of `like`.
at::Tensor as_filters(const at::Tensor& matrix, const at::Tensor& like, int64_t row_axis) {
  return matrix.reshape({like.size(row_axis), like.size(2), like.size(3), like.size(1 - row_axis)})
      .permute({0, 3, 1, 2})
      .transpose(0, row_axis);
}

/// sqrt(max(1, m / n)).
double stretch_of(const at::Tensor& matrix) {
  return std::sqrt(std::max(1.0, static_cast<double>(matrix.size(0)) / static_cast<double>(matrix.size(1))));
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

bool Muon::takes(const NamedParameter& parameter) const {
  return is_orthogonal(parameter) || options_.atom_axes.contains(parameter.first);
}

std::vector<NamedParameter> Muon::others() const {
  std::vector<NamedParameter> left;
  for (const NamedParameter& parameter : parameters_)
    if (!takes(parameter)) left.push_back(parameter);
  return left;
}

Muon::Muon(std::vector<NamedParameter> parameters, MuonOptions options, AdamOptions adam)
    : Optimizer(std::move(parameters)), options_(std::move(options)), adam_(others(), adam) {
  const at::NoGradGuard no_grad;
  for (const NamedParameter& parameter : parameters_) {
    if (!takes(parameter)) continue;
    const auto axis = options_.atom_axes.find(parameter.first);
    if (axis == options_.atom_axes.end())
      filters_.push_back({parameter, 0, options_.learning_rate_ratio, options_.weight_decay});
    else filters_.push_back({parameter, axis->second, options_.dictionary_ratio, 0});
    momenta_.push_back(at::zeros_like(parameter.second));
  }
}

void Muon::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  adam_.step(learning_rate);
  if (!on_cpu(parameters_)) return step_together(learning_rate);
  for (size_t i = 0; i < filters_.size(); ++i) {
    const Orthogonal& f = filters_[i];
    const at::Tensor filters = f.parameter.second.detach(), &gradient = f.parameter.second.grad();
    if (!gradient.defined()) continue;
    momenta_[i].lerp_(gradient, 1 - options_.momentum);
    at::Tensor direction = as_matrix(gradient.lerp(momenta_[i], options_.momentum), f.row_axis);
    const double stretch = stretch_of(direction), rate = learning_rate * f.ratio;
    if (options_.bf16) direction = direction.to(at::kBFloat16);
    direction = orthogonalize(direction).to(filters.scalar_type());
    filters.mul_(1 - rate * f.weight_decay).sub_(as_filters(direction, filters, f.row_axis), rate * stretch);
  }
}

void Muon::step_together(double learning_rate) {
  const at::NoGradGuard no_grad;
  std::vector<size_t> moving;
  std::vector<at::Tensor> gradients, momenta;
  for (size_t i = 0; i < filters_.size(); ++i) {
    if (!filters_[i].parameter.second.grad().defined()) continue;
    moving.push_back(i);
    gradients.push_back(filters_[i].parameter.second.grad());
    momenta.push_back(momenta_[i]);
  }
  if (moving.empty()) return;
  at::_foreach_lerp_(momenta, gradients, at::Scalar(1 - options_.momentum));
  const std::vector<at::Tensor> directions = at::_foreach_lerp(gradients, momenta, at::Scalar(options_.momentum));
  // What is alike in shape and rate moves as one.
  std::map<std::tuple<int64_t, int64_t, double, double>, std::vector<size_t>> groups;
  std::vector<at::Tensor> matrices;
  for (size_t j = 0; j < moving.size(); ++j) {
    const Orthogonal& f = filters_[moving[j]];
    matrices.push_back(as_matrix(directions[j], f.row_axis));
    groups[{matrices[j].size(0), matrices[j].size(1), f.ratio, f.weight_decay}].push_back(j);
  }
  for (const auto& [key, members] : groups) {
    const double rate = learning_rate * std::get<2>(key), stretch = stretch_of(matrices[members[0]]);
    std::vector<at::Tensor> alike, targets, steps;
    for (const size_t j : members) alike.push_back(matrices[j]);
    const at::Tensor stacked = at::stack(alike);
    const at::Tensor found = orthogonalize_each(options_.bf16 ? stacked.to(at::kBFloat16) : stacked);
    for (size_t k = 0; k < members.size(); ++k) {
      const Orthogonal& f = filters_[moving[members[k]]];
      targets.push_back(f.parameter.second.detach());
      steps.push_back(
          as_filters(found[static_cast<int64_t>(k)].to(targets.back().scalar_type()), targets.back(), f.row_axis));
    }
    at::_foreach_mul_(targets, at::Scalar(1 - rate * std::get<3>(key)));
    at::_foreach_sub_(targets, steps, at::Scalar(rate * stretch));
  }
}

models::NamedTensors Muon::moments() const {
  models::NamedTensors moments = adam_.moments();
  for (size_t i = 0; i < filters_.size(); ++i)
    moments.emplace_back("momentum." + filters_[i].parameter.first, momenta_[i]);
  return moments;
}

void Muon::load_state(const serialization::StateDict& state, int64_t steps, const std::string& source) {
  Optimizer::load_state(state, steps, source);
  adam_.load_state(state, steps, source);
}

}  // namespace sscvae::train
