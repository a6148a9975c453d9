#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>

#include "sscvae/networks/filled_graph.h"
#include "sscvae/nn/live.h"

namespace sscvae::nn {

/// The weights of a network as parameters and buffers of a module, under the names that the network gives them.
class NetworkWeights {
 public:
  /// `values` holds all of them (networks/first_values.h); they are copied.
  NetworkWeights(torch::nn::Module& owner, const networks::Network& network,
                 const std::map<std::string, Array>& values);

  /// Undefined if the network has no weight of that name.
  at::Tensor find(const std::string& name) const;
  /// The graph with the current weights filled in; gradients flow back to them.
  live::Graph live(const networks::Network& network, const networks::PassSettings& settings) const;

 private:
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace sscvae::nn
