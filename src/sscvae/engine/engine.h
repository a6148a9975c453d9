#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sscvae/engine/steps.h"
#include "sscvae/models/autoencoder.h"

namespace sscvae::engine {

/// Where a pass spends its time.
struct StepTime {
  std::string name, operation;
  double seconds = 0;
  int64_t macs = 0;  ///< multiply-adds of the model as written; the step may take fewer
};

/// A model frozen for inference on the CPU: fused steps, packed weights, memory kept from pass to pass. The weights are
/// those of the moment; later changes of the model do not reach it. Not for several threads at once.
/// Its results differ from the model's in eval mode by rounding: bounds are tested for every model in engine_test.cpp.
class Engine {
 public:
  /// Errors: UsageError where the model cannot be frozen, or for kBf16 on a processor without AVX512_BF16.
  Engine(const models::Autoencoder& model, Precision precision);
  ~Engine();

  /// Shapes: images float [N,C,H,W] in [0,1], H and W multiples of the model's. Gives features, threshold, code,
  /// indices, coded_features, mean, log_variance, logits and reconstruction, in float32; not the maps before
  /// refinement. Errors: ShapeError.
  models::ForwardResult run(const at::Tensor& images);
  /// The same, and the time of each step.
  models::ForwardResult run(const at::Tensor& images, std::vector<StepTime>& times);

  /// The noise level of all images from now on in 8-bit grey levels, for a model that goes by it; nothing: what the
  /// model was told when it was frozen, or what each image says.
  void set_noise_level(std::optional<double> sigma_8bit);

  int64_t size_multiple() const;
  /// Memory that is held for maps, in bytes.
  int64_t arena_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sscvae::engine
