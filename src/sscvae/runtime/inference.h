#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sscvae/array/array.h"
#include "sscvae/engine/engine.h"
#include "sscvae/metrics/code_model.h"
#include "sscvae/runtime/code_meter.h"
#include "sscvae/runtime/compute.h"
#include "sscvae/runtime/model_source.h"

/// Running a model over images of any size.
namespace sscvae::runtime {

struct InferenceOptions {
  ComputeOptions compute;
  /// Side of a tile in pixels. -1: tiles where an image has more pixels than 2^21 (lite backbone) or 2^18 (reference
  /// backbone, whose attention is quadratic in the pixels). 0: never.
  int64_t tile = -1;
  double threshold_scale = 1;   ///< every threshold of the sparse coder times this
  double code_step = 0;         ///< sparse codes are rounded to multiples of this before they are decoded; 0: never
  bool ensemble = false;        ///< mean of the results of all 8 flips and quarter turns of an image
  std::string engine = "fast";  ///< fast | plain (runner.h)
  bool train_mode = false;      ///< batch statistics, as in training
};

/// What `tile = -1` cuts an image into that has more pixels than a square of that side: tiles of at most that side,
/// which share so many pixels. Padding and shared pixels then add at most a quarter to the image's pixels (sides from
/// 64 on, size multiples up to 8).
struct Tiling {
  int64_t side = 0, overlap = 0;
};
Tiling automatic_tiling(networks::Backbone backbone);

struct InferenceResult {
  Array reconstruction;  ///< float32 [C,H,W] on the CPU, not clamped
  Array surprise;        ///< with a code model: what each pixel's code costs, bits [H,W]
  CodeMeter code;
  std::optional<double> sigma_8bit;  ///< of weights that denoise: the level that was told or estimated
  double seconds = 0;                ///< of all passes
};

class Inference {
 public:
  /// Errors: as open_model and resolve_compute; UsageError for a bad tile or scale.
  Inference(const ModelSource& source, const InferenceOptions& options);

  /// `image` is float32 [C,H,W] in [0,1] with the model's channels; any size. Weights that denoise are told the noise
  /// level of the whole image, once for all of its tiles and symmetries, as level_for_weights (noise_range.h); a
  /// grey image stays grey; their result is tempered (image/temper.h). Errors: ShapeError.
  InferenceResult run(const Array& image);
  /// The level of all images from now on; nothing: estimated in each. Says whether the model goes by it.
  bool set_noise_level(std::optional<double> sigma_8bit);

  /// The sparse code of an image in one piece [1,K,h,w], thinned out (novelty.h).
  Array code(const Array& image);
  /// What usual codes look like: results have their surprise from now on.
  void set_code_model(metrics::CodeModel model) { code_model_ = std::move(model); }

  int64_t channels() const { return opened_.experiment.options.model.in_channels; }
  const OpenedModel& opened() const { return opened_; }
  const Model& model() const { return *opened_.model; }
  const Compute& compute() const { return compute_; }
  /// The largest side of a tile for an image of that size, 0 for one piece.
  int64_t tile_for(int64_t height, int64_t width) const;
  Tiling tiling() const;
  /// As InferenceOptions::tile, from now on.
  void set_tile(int64_t tile) { tile_ = tile; }
  /// Device, precision, threads and engine of the passes, for reports.
  std::string text() const;

 private:
  InferenceResult run_once(const Array& image);
  /// Of noise of that level; undefined where image::temper does not ask. Adds its time to the result's.
  Array removed_share(const Array& image, InferenceResult& result, double sigma_8bit);
  graph::PassValues pass(const Array& images);
  /// Rounds the sparse code, and makes features and image of the rounded code.
  void round_code(graph::PassValues& values);
  OpenedModel opened_;
  RunnerSettings settings_;
  Compute compute_;
  int64_t tile_;
  double code_step_;
  bool ensemble_;
  std::optional<double> told_level_, level_;  // given; of the image on its way
  std::optional<metrics::CodeModel> code_model_;
  std::unique_ptr<Runner> runner_;           // made when it is first used
  std::unique_ptr<engine::Engine> decoder_;  // of rounded codes
};

}  // namespace sscvae::runtime
