#pragma once

#include <string>
#include <vector>

#include "sscvae/data/data_options.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

/// Making and looking at data.
namespace sscvae::tasks {

struct SynthOptions {
  std::string kind = "mixed";  ///< speckle (ultrasound-like phantoms) | leaves (dead leaves) | mixed (alternating)
  int64_t count = 16;
  std::string size = "256x256";  ///< HxW
  int64_t channels = 1;          ///< of dead leaves; phantoms are grey, in a colour set three equal channels
  int64_t seed = 1;
  std::string out;  ///< folder
  bool overwrite = false;
};
/// Writes <kind>_00000.png, ... Image i depends on seed and i alone. Errors: UsageError, IoError.
Report synthesise(const SynthOptions& options);

struct NoiseCopyOptions {
  std::vector<std::string> inputs;
  ReadingOptions reading;
  std::string out;
  std::string noise = "gaussian";  ///< gaussian | speckle
  double sigma_8bit = 25;
  int64_t seed = 0;            ///< of every image, as the literature does
  bool clip = false;           ///< clip before storing; PNG stores clipped values in any case
  int64_t bit_depth = 0;       ///< 8 or 16 of the PNGs; 0: the input's
  std::string format = "png";  ///< png | safetensors (float32 `input` and `target`, unclipped and exact)
  bool overwrite = false;
};
/// Seeded noisy copies (image/noise.h), Gaussian ones by the literature's rule. Errors: UsageError, IoError,
/// FormatError.
Report make_noisy_copies(const NoiseCopyOptions& options);

/// Writes a dataset's split as a manifest. Errors: UsageError, IoError.
Report make_split(const data::DataOptions& options, const std::string& out, bool overwrite);

/// What a dataset holds: parts, groups, sizes, and images whose header cannot be read. Errors: UsageError, IoError.
Report describe_data(const data::DataOptions& options);

}  // namespace sscvae::tasks
