#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/graph/cost.h"
#include "sscvae/runtime/model_source.h"
#include "sscvae/tasks/report.h"

/// What a model costs.
namespace sscvae::tasks {

struct Complexity {
  std::vector<graph::LayerCost> layers;
  int64_t parameters = 0;  ///< all trainable parameters of the model, those of norms and thresholds included
  int64_t buffers = 0;     ///< numbers that are stored but not trained
  int64_t macs = 0;
  int64_t flops = 0;             ///< 2 MACs
  int64_t activation_bytes = 0;  ///< sum of the outputs of the layers above
  int64_t peak_bytes = 0;        ///< graph::peak_bytes
};

/// Of one image [1,C,height,width] in eval mode in float32, operation by operation. Sizes that are no multiple of the
/// model's are padded as in use; the padded size counts.
Complexity measure_complexity(const networks::Network& network, int64_t height, int64_t width,
                              graph::CountingRule rule);

struct ComplexityOptions {
  runtime::ModelSource source;
  std::string size = "256x256";  ///< HxW
  std::string rule = "exact";    ///< exact | ptflops
};
Report complexity(const ComplexityOptions& options);

}  // namespace sscvae::tasks
