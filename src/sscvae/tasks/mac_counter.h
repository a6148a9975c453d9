#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace torch::nn {
class Module;
}

/// Multiply-adds (MACs) of what LibTorch computes, observed as it runs.
namespace sscvae::tasks {

/// How they are counted. Both count convolutions and matrix products, kernel taps on padding included.
///   kExact    what is computed: a transposed convolution costs its kernel at every *input* position; activations,
///             norms, pooling and other element-wise work are not counted;
///   kPtflops  as the tool behind the published figures (ptflops 0.7.1 to 0.7.4): transposed convolutions at every
///             *output* position, 1 for each bias added, 2 for each input of a norm, ReLU or pooling, 1 of a softmax.
enum class CountingRule { kExact, kPtflops };

/// One convolution, matrix product or (kPtflops) element-wise operation, in the order in which it ran. Repeated
/// products without weights of their own (iterations of the sparse coder) are one row with a count.
struct LayerCost {
  std::string name;       ///< the parameter's key without ".weight", or the operation where it has none
  std::string operation;  ///< "convolution", "transposed convolution", "convolution backward", "matrix product",
                          ///< "element-wise"
  std::vector<int64_t> output_shape;  ///< of a convolution backward: the shape of the incoming gradient
  int64_t calls = 1;
  int64_t parameters = 0;    ///< weight and bias
  int64_t macs = 0;          ///< of all calls; a convolution backward costs its forward for each gradient it makes
  int64_t output_bytes = 0;  ///< of all calls, as computed
};

/// Keys of parameters by the memory that holds them.
using ParameterNames = std::map<const void*, std::string>;
ParameterNames parameter_names(const torch::nn::Module& module);
/// The key of the parameter in whose memory `tensor` lies, without ".weight"; "" if it is no parameter's.
std::string layer_of(const ParameterNames& names, const at::Tensor& tensor);

/// Counts what this thread runs while it lives, backward passes on a GPU's thread included. One at a time.
class MacCounter {
 public:
  MacCounter(ParameterNames names, CountingRule rule);
  ~MacCounter();
  MacCounter(const MacCounter&) = delete;
  MacCounter& operator=(const MacCounter&) = delete;

  const std::vector<LayerCost>& layers() const;
  int64_t macs() const;  ///< of all layers so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sscvae::tasks
