#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace torch::nn {
class Module;
}

/// Multiply-adds (MACs) of what LibTorch computes, observed as it runs: training, whose backward passes no graph shows.
namespace sscvae::workshop {

/// Keys of parameters by the memory that holds them.
using ParameterNames = std::map<const void*, std::string>;
ParameterNames parameter_names(const torch::nn::Module& module);
/// The key of the parameter in whose memory `tensor` lies, without ".weight"; "" if it is no parameter's.
std::string layer_of(const ParameterNames& names, const at::Tensor& tensor);

/// Counts what this thread runs while it lives, backward passes on a GPU's thread included, by graph::CountingRule::
/// kExact; a convolution backward costs its forward for each gradient it makes. One at a time.
class MacCounter {
 public:
  MacCounter();
  ~MacCounter();
  MacCounter(const MacCounter&) = delete;
  MacCounter& operator=(const MacCounter&) = delete;

  int64_t macs() const;  ///< so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sscvae::workshop
