#pragma once

#include <string>
#include <vector>

#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

/// Images through a model: reconstruct and denoise.
namespace sscvae::tasks {

/// What both commands share. Where the weights know what usual images look like (`calibrate`), each image's report has
/// unusual_share, the share of its code that is unusual, and a warning names the images above the limit. An image comes
/// out at its own size and bit depth (JPEG: 8 bit) with the model's channels: colour becomes grey for a grey model
/// (0.299 R + 0.587 G + 0.114 B), grey is repeated for a colour model. Opacity passes by the model; it, colour profile
/// and EXIF data are copied where the result can hold them, else "lost" in the report names them.
struct RestoreOptions {
  runtime::ModelSource source;
  ReadingOptions reading;
  runtime::InferenceOptions inference;
  std::vector<std::string> inputs;
  std::string out;              ///< folder, where the tree of a folder input is mirrored; "-": standard output
  std::string format = "keep";  ///< keep (a PNG remains one whatever its name) | png | jpg
  std::string novelty_maps;     ///< folder of pictures of what is unusual in each image; "": none
  bool overwrite = false;
  std::string earlier;         ///< report of an interrupted call that skip_existing goes on with; "": none
  bool skip_existing = false;  ///< leave out inputs whose result is complete and not older; the report lists them
};

struct DenoiseOptions : RestoreOptions {
  std::string sigma_8bit = "auto";  ///< noise level of the input, or auto (estimated for each image)
  double add_noise_8bit = 0;        ///< experiments: noise added to the input first (image::add_noise)
  std::string noise = "gaussian";   ///< its kind: gaussian | speckle
  int64_t seed = 0;                 ///< of that noise
  bool clip = false;                ///< clip the noisy image to [0,1]
  std::string reference;            ///< clean images, matched by relative name without extension; or one for one input
};

/// JSON per image: psnr_db and ssim against the input (protocol sound), the code's statistics, seconds, size.
/// A broken image is named and left out; the run ends with an error then. An interrupt ends it after an image: the
/// report is of those that are done. Errors: UsageError, IoError, FormatError.
Report reconstruct(const RestoreOptions& options);

/// Noise levels. Weights know the range of levels that they were trained with. An image whose level lies outside is
/// scaled in contrast about its mean so that its noise meets the nearest level of that range (by 1/4 to 2), and the
/// result is scaled back; inside the range nothing is scaled. A warning names the images outside. Report: as
/// reconstruct, sigma_8bit as used, and PSNR before and after where a clean reference is known (--reference, or the
/// input of --add-noise).
Report denoise(const DenoiseOptions& options);

}  // namespace sscvae::tasks
