#pragma once

#include <optional>
#include <string>

#include "sscvae/array/array.h"
#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

/// What tiles change in a result.
namespace sscvae::tasks {

struct TilingDifference {
  double largest_8bit = 0, rms_8bit = 0;  ///< in grey levels of 0 to 255, over pixels and channels
  int64_t row = 0, column = 0;            ///< where it is largest
};
/// Images [C,H,W] in [0,1].
TilingDifference tiling_difference(const Array& tiled, const Array& whole);

struct VerifyTilingOptions {
  runtime::ModelSource source;
  ReadingOptions reading;
  runtime::InferenceOptions inference;
  std::string image;
  std::string sigma_8bit = "auto";  ///< for weights that denoise, as in DenoiseOptions
};

/// The image through the model in tiles and in one piece, which takes memory for all of it at once. Report: the
/// difference, the tiles' number and largest side. Errors: UsageError for an image that is not cut into tiles; as
/// reconstruct.
Report verify_tiling(const VerifyTilingOptions& options);

}  // namespace sscvae::tasks
