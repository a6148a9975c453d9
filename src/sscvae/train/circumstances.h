#pragma once

#include <c10/core/Device.h>

#include <optional>
#include <string>
#include <vector>

#include "sscvae/train/training_data.h"

/// What the results of a run depend on beside its configuration. Each checkpoint holds it, and a run that is resumed
/// compares it by one rule: what changes more than the last bits of results is refused unless it was asked for; all
/// else is noted.
namespace sscvae::train {

struct Circumstances {
  // More than the last bits.
  std::string split;                  ///< SHA-256 of split.csv
  std::string images;                 ///< SHA-256 of the names and sizes of the training and validation images
  std::vector<std::string> left_out;  ///< training images of the split that could not be read
  std::string precision;              ///< of the networks: "fp32", "bf16"
  // The last bits: the order of sums and what a kernel rounds.
  std::string device;        ///< "cpu", "cuda"
  std::string instructions;  ///< of our kernels and LibTorch's: "avx2, AVX2"
  std::string libtorch;      ///< "2.7.1"
  int64_t threads = 0;
  friend bool operator==(const Circumstances&, const Circumstances&) = default;
};

Circumstances circumstances_of(const TrainingData& data, c10::Device device, bool bf16);

/// JSON. Names that are no UTF-8 come back, too.
std::string to_json(const Circumstances& circumstances);
/// Errors: FormatError naming `source`.
Circumstances circumstances_from_json(const std::string& json, const std::string& source);

/// Those of a checkpoint; nothing where there are none (an earlier version's). Errors: IoError, FormatError.
std::optional<Circumstances> read_circumstances(const std::filesystem::path& checkpoint);

/// open_training_data for a run that may be resumed: where the split is that of `before`, the images are those it was
/// trained with, and one that cannot be read now is an error.
TrainingData open_data_of_run(const ExperimentOptions& options, const std::filesystem::path& known_split,
                              const std::optional<Circumstances>& before);

/// Compares what a run began with and what it would go on with. `precision`: as configured now; one that is asked for
/// by name may differ. So may the images of a split.csv that was changed. Errors: UsageError for other images and for
/// another precision. What is noted is a warning.
void compare_circumstances(const Circumstances& before, const Circumstances& now, Precision precision);

}  // namespace sscvae::train
