#pragma once

#include <functional>
#include <map>
#include <string>

#include "sscvae/networks/network.h"

/// Fills networks with the values of their weights.
namespace sscvae::networks {

/// Finds the value of a declared weight by name. A missing one, or one of another shape, is an InternalError.
using Lookup = std::function<at::Tensor(const std::string& name)>;

/// The values of all declared and derived weights for one pass, by placeholder.
class Values {
 public:
  /// Derived weights pass gradients on to the declared ones.
  Values(const Network& network, const Lookup& lookup, const PassSettings& settings);
  /// The value for a placeholder; undefined for an undefined one.
  const at::Tensor& of(const at::Tensor& placeholder) const;

 private:
  std::map<const c10::TensorImpl*, at::Tensor> values_;
};

/// The network's graph with placeholders replaced by values.
graph::Graph with_values(const Network& network, const Lookup& lookup, const PassSettings& settings);

/// The network in eval mode with its weights in float32 on the CPU: batch statistics become scale and shift, a Gaussian
/// code its mean, strength and L factors of the thresholds.
graph::Graph bind(const Network& network, const Lookup& lookup, const PassSettings& settings = {});

}  // namespace sscvae::networks
