#include "sscvae/models/weights.h"

#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/array/array.h"
#include "sscvae/models/registry.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {

using serialization::StateDict;

namespace {

void collect(torch::nn::Module& module, const std::string& prefix, NamedTensors& tensors) {
  for (const auto& item : module.named_parameters(false)) tensors.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_buffers(false)) tensors.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_children()) collect(*item.value(), prefix + item.key() + ".", tensors);
}

}  // namespace

NamedTensors named_tensors(torch::nn::Module& module) {
  NamedTensors tensors;
  collect(module, "", tensors);
  return tensors;
}

StateDict state_from(const NamedTensors& tensors) {
  StateDict state;
  for (const auto& [name, tensor] : tensors) state.add(name, tensor.detach().cpu());
  return state;
}

StateDict state_of(torch::nn::Module& module) { return state_from(named_tensors(module)); }

void load_state(torch::nn::Module& module, const StateDict& state, const std::string& source) {
  const NamedTensors own = named_tensors(module);
  std::vector<runtime::Expected> expected;
  for (const auto& [name, tensor] : own)
    expected.emplace_back(name, Array::placeholder(sizes_of(tensor.sizes()), data_type_of(tensor.scalar_type())));
  runtime::check_state(expected, state, source);
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) at::Tensor(tensor).copy_(at::Tensor(*state.find(name)));
}

std::shared_ptr<Autoencoder> trainable(const runtime::Model& model) {
  std::shared_ptr<Autoencoder> result = make_autoencoder(model.options(), 0);
  load_state(*result, model.state(), "weights");
  result->eval();
  return result;
}

}  // namespace sscvae::models
