#pragma once

#include <optional>
#include <string>

#include "sscvae/graph/pass_values.h"
#include "sscvae/runtime/model.h"

namespace sscvae::runtime {

struct RunnerSettings {
  std::string engine = "fast";  ///< fast: fused steps (engine/engine.h) on the CPU in eval mode. plain: always
                                ///< operation by operation
  double strength = 1;          ///< every threshold of the sparse coder times this
  bool train_mode = false;      ///< batch statistics; the running ones stay
};

/// Runs a model on images whose sizes are multiples of the model's.
class Runner {
 public:
  virtual ~Runner() = default;
  /// `images` float32 [N,C,H,W] in [0,1]. `sigma_8bit`: the noise level of all of them; otherwise estimated in each
  /// where the model goes by it.
  virtual graph::PassValues run(const Array& images, std::optional<double> sigma_8bit) = 0;
};

}  // namespace sscvae::runtime
