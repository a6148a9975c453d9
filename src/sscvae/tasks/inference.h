#pragma once

#include <cstdint>
#include <string>

#include "sscvae/tasks/code_statistics.h"
#include "sscvae/tasks/compute.h"
#include "sscvae/tasks/model_source.h"

/// Running a model over images of any size.
namespace sscvae::tasks {

struct InferenceOptions {
  ComputeOptions compute;
  /// Side of a tile in pixels. -1: tiles where an image has more pixels than 2^21 (lite backbone) or 2^18 (reference
  /// backbone, whose attention is quadratic in the pixels). 0: never.
  int64_t tile = -1;
  double threshold_scale = 1;  ///< every threshold of the sparse coder times this
};

struct InferenceResult {
  at::Tensor reconstruction;  ///< float32 [C,H,W] on the CPU, not clamped
  CodeMeter code;
  double seconds = 0;
};

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

 private:
  OpenedModel opened_;
  Compute compute_;
  int64_t tile_;
};

/// Multiplies the thresholds of every sparse coder in the model from now on.
void set_threshold_scale(models::Autoencoder& model, double scale);

}  // namespace sscvae::tasks
