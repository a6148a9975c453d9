#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sscvae/networks/first_values.h"
#include "sscvae/networks/scope.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/network_pass.h"
#include "sscvae/nn/network_weights.h"

namespace sscvae::testing {

/// A part of a network with weights of its own, whose input takes the place of the image.
class NetworkPiece : public torch::nn::Module {
 public:
  using Writer = std::function<networks::Value(const networks::Scope&, networks::Value)>;

  /// First values by rules of the network's own, by name.
  using Own = std::function<std::map<std::string, Array>(const networks::Network&)>;

  NetworkPiece(int64_t channels, const Writer& write, const Own& own = {})
      : network_(written(channels, write)),
        weights_(*this, network_,
                 networks::drawn_values(network_, own ? own(network_) : std::map<std::string, Array>(), 1)),
        pass_(network_) {}

  /// The value that was written last.
  at::Tensor forward(const at::Tensor& x) { return run(x).values.back(); }
  /// All named values as well, by number.
  nn::NetworkPass::Result run(const at::Tensor& x) {
    std::vector<graph::Value> wanted{static_cast<graph::Value>(network_.graph.nodes.size()) - 1};
    for (const auto field : graph::value_fields())
      if (network_.graph.*field >= 0) wanted.push_back(network_.graph.*field);
    manner.training = is_training();
    return pass_.run(live(), {{0, x}}, wanted, manner);
  }
  std::shared_ptr<const nn::live::Graph> live() const {
    return std::make_shared<const nn::live::Graph>(weights_.live(network_, manner.settings));
  }
  const graph::Graph& graph() const { return network_.graph; }
  at::Tensor weight(const std::string& name) const { return weights_.find(name); }

  nn::PassManner manner;

 private:
  static networks::Network written(int64_t channels, const Writer& write) {
    const networks::Scope scope;
    write(scope, scope.image(channels));
    return std::move(scope.network());
  }
  networks::Network network_;
  nn::NetworkWeights weights_;
  nn::NetworkPass pass_;
};

}  // namespace sscvae::testing
