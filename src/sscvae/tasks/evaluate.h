#pragma once

#include <string>
#include <vector>

#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/feature_sets.h"
#include "sscvae/tasks/image_selection.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

struct EvaluateOptions {
  runtime::ModelSource source;
  runtime::InferenceOptions inference;
  ReadingOptions reading;  ///< strict, too, where data.on_broken is "refuse"
  ImageSelection images;   ///< of part test, unless it says otherwise
  std::string task;        ///< reconstruct | denoise | enhance; "": what the weights were trained for
  double sigma_8bit = -1;  ///< of the denoising task; -1: the configuration's
  std::string noise;       ///< gaussian | speckle; "": the configuration's, gaussian where it mixes
  bool clip = false;       ///< noisy images are cut to [0,1] under any protocol
  std::string protocol = "sound";
  int64_t stride = 0;  ///< of the protocol's windows, pixels; 0: that of the dataset's published tests
  std::string mode =
      "eval";             ///< train: normalisation by batch statistics, as the authors evaluate; they stay as they were
  int64_t crop = 0;       ///< measure the centre square of that side only (fed to the model alone); 0: whole images
  std::string per_image;  ///< CSV
  /// Report of an interrupted evaluation: images in it keep their figures, where settings are equal and they are not
  /// newer; "" or no such file: all are measured.
  std::string earlier;
  FeatureOptions features;  ///< with an Inception file: FID and KID between originals and reconstructions, too
  bool overwrite = false;
};

/// Metrics over a dataset in eval mode on whole images. The report states N, data range, channel, noise and rounding
/// rule, mode, crop, windows, hash of weights and split, and has every metric and code statistic by image and as mean
/// with a 95 % bootstrap interval; "sets" has FID and KID where asked for. An image that cannot be read is named and
/// left out; the report then fails once it is delivered (with data.on_broken = "refuse" at once). Errors: UsageError,
/// IoError, FormatError.
Report evaluate(const EvaluateOptions& options);

}  // namespace sscvae::tasks
