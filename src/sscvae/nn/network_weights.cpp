#include "sscvae/nn/network_weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/nn/init.h>

#include <cmath>

#include "sscvae/core/error.h"

namespace sscvae::nn {

namespace {

using networks::Declared;
using networks::Role;
using networks::Start;

/// A module without a forward pass, which only gives its children a name.
struct PlaceImpl : torch::nn::Module {};

/// The module that holds `name` ("_encoder._conv_1.weight"), and the last part of the name.
std::pair<torch::nn::Module*, std::string> place_of(torch::nn::Module& owner, const std::string& name) {
  torch::nn::Module* place = &owner;
  size_t begin = 0;
  for (size_t dot = name.find('.'); dot != std::string::npos; begin = dot + 1, dot = name.find('.', begin)) {
    const std::string part = name.substr(begin, dot - begin);
    const auto children = place->named_children();
    if (!children.contains(part)) place->register_module(part, std::make_shared<PlaceImpl>());
    place = place->named_children()[part].get();
  }
  return {place, name.substr(begin)};
}

at::Tensor first_value(const Declared& weight, const std::map<std::string, at::Tensor>& own) {
  const at::IntArrayRef shape = weight.placeholder.sizes();
  const at::ScalarType type = scalar_type_of(weight.placeholder.type());
  if (weight.start.rule == Start::Rule::kOwn) {
    const at::Tensor value = own.at(weight.name);
    SSCVAE_ASSERT(value.sizes() == shape);
    return value.clone(at::MemoryFormat::Contiguous);
  }
  if (weight.start.rule == Start::Rule::kZeros) return at::full(shape, 0, type);
  if (weight.start.rule == Start::Rule::kOnes) return at::full(shape, 1, type);
  if (weight.start.rule == Start::Rule::kConstant) return at::full(shape, weight.start.value, at::kFloat);
  at::Tensor value = at::empty(shape, at::TensorOptions(at::kFloat));
  if (weight.start.rule == Start::Rule::kKaiming) {
    torch::nn::init::kaiming_uniform_(value, std::sqrt(5.0));
  } else {
    const double bound = 1 / std::sqrt(static_cast<double>(weight.start.fan_in));
    torch::nn::init::uniform_(value, -bound, bound);
  }
  if (weight.start.value == 0) value.zero_();
  else if (weight.start.value != 1) value.mul_(weight.start.value);
  return value;
}

}  // namespace

NetworkWeights::NetworkWeights(torch::nn::Module& owner, const networks::Network& network,
                               const std::map<std::string, at::Tensor>& own) {
  const at::NoGradGuard no_grad;
  for (const Declared& weight : network.weights) {
    const auto [place, name] = place_of(owner, weight.name);
    const at::Tensor value = first_value(weight, own);
    tensors_[weight.name] =
        weight.role == Role::kTrained ? place->register_parameter(name, value) : place->register_buffer(name, value);
  }
}

at::Tensor NetworkWeights::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? at::Tensor() : found->second;
}

live::Graph NetworkWeights::live(const networks::Network& network, const networks::PassSettings& settings) const {
  return networks::with_values<at::Tensor>(
      network, [this](const std::string& name) { return find(name); }, settings);
}

}  // namespace sscvae::nn
