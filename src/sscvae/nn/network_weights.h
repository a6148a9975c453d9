#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>

#include "sscvae/networks/bind.h"

namespace sscvae::nn {

/// The weights of a network as parameters and buffers of a module, under the names that the network gives them.
class NetworkWeights {
 public:
  /// First values are drawn from LibTorch's generator of the process, in the order of declaration, and taken from
  /// `own` where the network has a rule of its own for them.
  NetworkWeights(torch::nn::Module& owner, const networks::Network& network,
                 const std::map<std::string, at::Tensor>& own);

  /// Undefined where the network has none of that name.
  at::Tensor find(const std::string& name) const;
  /// The operations with these weights as they are now; gradients of a pass through them reach the weights.
  graph::Graph live(const networks::Network& network, const networks::PassSettings& settings) const;

 private:
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace sscvae::nn
