#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "sscvae/serialization/state_dict.h"

/// What the networks that measure share: convolutions that are never trained, filled from a file. Private to metrics.
namespace sscvae::metrics {

/// A convolution whose weights are zero until they are loaded (no generator is drawn from) and take no gradient; the
/// input does.
struct FrozenConvolution : torch::nn::Module {
  FrozenConvolution(int64_t in, int64_t out, std::vector<int64_t> kernel, int64_t stride, std::vector<int64_t> padding,
                    bool has_bias);
  at::Tensor forward(const at::Tensor& input) const;

  at::Tensor weight, bias;
  int64_t stride;
  std::vector<int64_t> padding;
};

/// Copies the values in, whatever floating type they have. Entries that end with one of `ignored` may be there or not.
/// Errors: FormatError naming `source` and the first missing, misshapen or unexpected tensor; then nothing is changed.
void load_network(torch::nn::Module& network, const serialization::StateDict& state, const std::string& source,
                  const std::string& ignored = "");

}  // namespace sscvae::metrics
