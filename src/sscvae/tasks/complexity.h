#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/models/autoencoder.h"
#include "sscvae/tasks/report.h"

/// What a model costs.
namespace sscvae::tasks {

/// How multiply-adds (MACs) are counted. Both count convolutions and matrix products, kernel taps on padding included.
///   kExact    what is computed: a transposed convolution costs its kernel at every *input* position; activations,
///   norms,
///             pooling and other element-wise work are not counted;
///   kPtflops  as the tool behind the published figures (ptflops 0.7.1 to 0.7.4): transposed convolutions at every
///             *output* position, 1 for each bias added, 2 for each input of a norm, ReLU or pooling, 1 of a softmax.
enum class CountingRule { kExact, kPtflops };

/// One convolution, matrix product or (kPtflops) element-wise operation, in the order in which it ran. Repeated
/// products without weights of their own (iterations of the sparse coder) are one row with a count.
struct LayerCost {
  std::string name;       ///< the parameter's key without ".weight", or the operation where it has none
  std::string operation;  ///< "convolution", "transposed convolution", "matrix product", "element-wise"
  std::vector<int64_t> output_shape;
  int64_t calls = 1;
  int64_t parameters = 0;    ///< weight and bias
  int64_t macs = 0;          ///< of all calls
  int64_t output_bytes = 0;  ///< of all calls, as computed (float32)
};

struct Complexity {
  std::vector<LayerCost> layers;
  int64_t parameters = 0;  ///< all trainable parameters of the model, those of norms and thresholds included
  int64_t buffers = 0;     ///< numbers that are stored but not trained
  int64_t macs = 0;
  int64_t flops = 0;             ///< 2 MACs
  int64_t activation_bytes = 0;  ///< sum of the outputs of the layers above
  int64_t peak_bytes = 0;  ///< largest amount of tensor memory in use at once during the pass, beyond weights and input
};

/// Counts while one image [1,C,height,width] (random values from a fixed seed) runs through the model in eval mode on
/// the CPU in float32. Sizes that are no multiple of the model's are padded as in use; the padded size counts.
Complexity measure_complexity(models::Autoencoder& model, int64_t height, int64_t width, CountingRule rule);

struct ComplexityOptions {
  std::string weights, config, model;
  std::vector<std::string> set;
  std::string size = "256x256";  ///< HxW
  std::string rule = "exact";    ///< exact | ptflops
};
Report complexity(const ComplexityOptions& options);

}  // namespace sscvae::tasks
