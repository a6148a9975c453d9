#include "sscvae/nn/network_weights.h"

#include <torch/csrc/autograd/grad_mode.h>

namespace sscvae::nn {

namespace {

using networks::Declared;
using networks::Role;

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

}  // namespace

NetworkWeights::NetworkWeights(torch::nn::Module& owner, const networks::Network& network,
                               const std::map<std::string, Array>& values) {
  const at::NoGradGuard no_grad;
  for (const Declared& weight : network.weights) {
    const auto [place, name] = place_of(owner, weight.name);
    const at::Tensor value = at::Tensor(values.at(weight.name)).clone(at::MemoryFormat::Contiguous);
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
