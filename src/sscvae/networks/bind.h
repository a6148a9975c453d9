#pragma once

#include <functional>
#include <map>
#include <string>

#include "sscvae/networks/network.h"

/// Networks with numbers in them.
namespace sscvae::networks {

/// Values of declared weights by name. Undefined or of another shape: InternalError where they are asked for.
using Lookup = std::function<at::Tensor(const std::string& name)>;

/// All weights of a pass, declared and computed, by what stands for them in the network.
class Values {
 public:
  /// With gradients from the computed ones to the declared ones where those have gradients.
  Values(const Network& network, const Lookup& lookup, const PassSettings& settings);
  /// Of a placeholder; undefined for an undefined one.
  const at::Tensor& of(const at::Tensor& placeholder) const;

 private:
  std::map<const c10::TensorImpl*, at::Tensor> values_;
};

/// The network's operations with values in the place of placeholders.
graph::Graph with_values(const Network& network, const Lookup& lookup, const PassSettings& settings);

/// The network in eval mode with its weights in float32 on the CPU: batch statistics become scale and shift, a Gaussian
/// code its mean, strength and L factors of the thresholds.
graph::Graph bind(const Network& network, const Lookup& lookup, const PassSettings& settings = {});

}  // namespace sscvae::networks
