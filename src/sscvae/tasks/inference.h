#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sscvae/engine/engine.h"
#include "sscvae/tasks/code_statistics.h"
#include "sscvae/tasks/compute.h"
#include "sscvae/tasks/model_source.h"
#include "sscvae/tasks/plain_iterations.h"

/// Running a model over images of any size.
namespace sscvae::tasks {

struct InferenceOptions {
  ComputeOptions compute;
  /// Side of a tile in pixels. -1: tiles where an image has more pixels than 2^21 (lite backbone) or 2^18 (reference
  /// backbone, whose attention is quadratic in the pixels). 0: never.
  int64_t tile = -1;
  double threshold_scale = 1;  ///< every threshold of the sparse coder times this
  double code_step = 0;        ///< sparse codes are rounded to multiples of this before they are decoded; 0: never
  /// fast: fused steps (engine/engine.h) where there are some: on the CPU, in eval mode, in fp32, or in bf16 on a
  /// processor with AMX. plain: always layer by layer, as in training.
  std::string engine = "fast";
};

struct InferenceResult {
  at::Tensor reconstruction;  ///< float32 [C,H,W] on the CPU, not clamped
  CodeMeter code;
  double seconds = 0;
};

/// Is there an engine for it? Errors: UsageError for a name that is neither fast nor plain.
bool has_engine(const std::string& engine, const Compute& compute);

class Inference {
 public:
  /// Errors: as open_model and resolve_compute; UsageError for a bad tile or scale.
  Inference(const ModelSource& source, const InferenceOptions& options);

  /// `image` is float32 [C,H,W] in [0,1] with the model's channels; any size. Errors: ShapeError.
  InferenceResult run(const at::Tensor& image);

  int64_t channels() const { return opened_.experiment.options.model.in_channels; }
  const OpenedModel& opened() const { return opened_; }
  models::Autoencoder& model() { return *opened_.model; }
  const Compute& compute() const { return compute_; }
  /// The side of a tile for an image of that size, 0 for one piece.
  int64_t tile_for(int64_t height, int64_t width) const;
  /// Device, precision, threads and engine of the passes, for reports.
  std::string text() const;

 private:
  bool uses_engine() const;
  models::ForwardResult pass(const at::Tensor& images);
  /// The result with its sparse code rounded and decoded again.
  models::ForwardResult rounded(models::ForwardResult result);
  OpenedModel opened_;
  Compute compute_;
  int64_t tile_;
  double code_step_;
  bool wants_engine_;
  std::unique_ptr<PlainIterations> plain_;
  std::unique_ptr<engine::Engine> engine_;  // made when it is first used
};

/// Multiplies the thresholds of every sparse coder in the model from now on.
void apply_strength(models::Autoencoder& model, double scale);

}  // namespace sscvae::tasks
