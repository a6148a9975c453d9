#include "sscvae/metrics/frozen_network.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/zeros.h>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::metrics {

FrozenConvolution::FrozenConvolution(int64_t in, int64_t out, std::vector<int64_t> kernel, int64_t step,
                                     std::vector<int64_t> margin, bool has_bias)
    : stride(step), padding(std::move(margin)) {
  weight = register_parameter("weight", at::zeros({out, in, kernel[0], kernel[1]}), false);
  if (has_bias) bias = register_parameter("bias", at::zeros({out}), false);
}

at::Tensor FrozenConvolution::forward(const at::Tensor& input) const {
  return at::conv2d(input, weight, bias, stride, padding);
}

namespace {

/// Shares the memory of the network's tensors.
serialization::StateDict own_state(torch::nn::Module& network) {
  serialization::StateDict state;
  for (const auto& item : network.named_parameters()) state.add(item.key(), item.value());
  for (const auto& item : network.named_buffers()) state.add(item.key(), item.value());
  return state;
}

}  // namespace

void load_network(torch::nn::Module& network, const serialization::StateDict& state, const std::string& source,
                  const std::string& ignored) {
  const serialization::StateDict own = own_state(network);
  for (const auto& [name, array] : own) {
    const Array* given = state.find(name);
    const std::string what = "'" + source + "': tensor '" + name + "'";
    if (!given) throw FormatError(what + " is missing" + suggestion(name, state.names()));
    if (given->sizes() != array.sizes())
      throw FormatError(what + ": expected shape " + shape_text(array) + ", got " + shape_text(*given));
    if (!is_floating_point(given->type()))
      throw FormatError(what + ": expected floating-point values, got " + name_of(given->type()));
  }
  for (const auto& [name, array] : state)
    if (!own.find(name) && (ignored.empty() || !name.ends_with(ignored)))
      throw FormatError("'" + source + "': tensor '" + name + "' does not belong to this network" +
                        suggestion(name, own.names()));
  for (const auto& [name, array] : own) array.copy_(*state.find(name));
}

}  // namespace sscvae::metrics
