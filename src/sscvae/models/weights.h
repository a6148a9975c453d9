#pragma once

#include "sscvae/models/autoencoder.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/state_dict.h"

/// The tensors of modules, and weights files into modules.
namespace sscvae::models {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Parameters and buffers in state-dict order, under the authors' key names where the architecture is theirs.
NamedTensors named_tensors(torch::nn::Module& module);
/// The same in memory of the CPU, shared with a model that lies there.
serialization::StateDict state_of(torch::nn::Module& module);
/// Tensors of any device in memory of the CPU.
serialization::StateDict state_from(const NamedTensors& tensors);

/// Copies the values in. Errors: FormatError as runtime::check_state. Nothing is changed if an error is thrown.
void load_state(torch::nn::Module& module, const serialization::StateDict& state, const std::string& source);

/// The same model as one that can be trained, in eval mode, with weights of its own.
std::shared_ptr<Autoencoder> trainable(const runtime::Model& model);

}  // namespace sscvae::models
