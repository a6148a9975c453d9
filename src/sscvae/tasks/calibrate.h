#pragma once

#include <string>

#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/image_selection.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

struct CalibrateOptions {
  CalibrateOptions() { images.limit = 64; }
  runtime::ModelSource source;
  runtime::ComputeOptions compute;
  ImageSelection images;  ///< evenly spread over part val, unless it says otherwise
  ReadingOptions reading;
  std::string out;  ///< weights file, may be the one that is read
  bool overwrite = false;
};

/// Runs a model with sparse codes over usual images (the middle 512 x 512 of each; a denoiser sees noise of all levels
/// that it was trained for) and stores what their codes look like (metrics/code_model.h) beside the weights:
/// `reconstruct` and `denoise` then say which images are unusual. An image that cannot be read is
/// named and left out; the report then fails once it is delivered. Errors: UsageError, IoError, FormatError.
Report calibrate(const CalibrateOptions& options);

}  // namespace sscvae::tasks
