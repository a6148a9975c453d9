#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sscvae/data/image_store.h"
#include "sscvae/data/split.h"
#include "sscvae/data/training_batches.h"
#include "sscvae/train/device_batches.h"
#include "sscvae/train/validation_set.h"

namespace sscvae::train {

/// All images of a run, listed and opened before the first step.
struct TrainingData {
  data::SplitManifest split;
  std::unique_ptr<data::ImageStore> store;
  std::unique_ptr<data::ImageStore> inputs;  ///< of pairs (task enhance), else null
  std::unique_ptr<data::TrainingBatches> batches;
  std::unique_ptr<DeviceBatches> device_batches;  ///< the same made on the device that trains, or null
  ValidationSet validation;                       ///< empty without a part "val"
  std::vector<ValidationImage> previews;  ///< the first of the validation images, or training images without any

  /// The training images of the split that are not used because they could not be read.
  std::vector<std::string> left_out() const;
  /// JSON for weights files: dataset, split rule, SHA-256 of the split, images by part.
  std::string metadata(const data::DataOptions& options) const;
};

/// `known_split`: the split.csv of a run that is resumed; empty to make the split from the options. `known_left_out`:
/// left_out() of that run, whose other images are then opened whatever the cache holds; nullptr to find out.
/// Errors: UsageError, IoError, FormatError, as data::make_manifest, ImageStore and TrainingBatches.
TrainingData open_training_data(const ExperimentOptions& options, const std::filesystem::path& known_split,
                                const std::vector<std::string>* known_left_out = nullptr);

/// Makes device_batches as data.batches_on and data.device_cache_mb say; a note where a GPU has to be fed by the CPU.
/// Errors: UsageError where "device" is asked for and cannot be; those of images that cannot be read.
void place_batches(TrainingData& data, const data::DataOptions& options, c10::Device device);

}  // namespace sscvae::train
