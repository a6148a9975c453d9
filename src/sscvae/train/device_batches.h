#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sscvae/train/batch.h"
#include "sscvae/train/device_images.h"

namespace sscvae::train {

using data::TrainingBatches;

/// The batches of a TrainingBatches, made in the memory of the device that trains. Images lie there as integers from
/// the start. Which image, which window, which symmetry and which noise is decided as ever, on the CPU
/// (TrainingBatches::plan); pixels are exactly those of TrainingBatches::at, and the noise differs by the rounding of
/// exp, log and cos at most (sample_noise.h). Nothing waits for the device.
class DeviceBatches {
 public:
  /// Why that cannot be, in words, or "": the images (of pairs: both) would take more than `budget_mb` MiB, or noise is
  /// wanted and there is no kernel for it (a GPU in a build without cmake/Cuda.cmake's).
  static std::string obstacle(const TrainingBatches& batches, c10::DeviceType device, int64_t budget_mb);

  /// Keeps a reference to `batches`. Errors as DeviceImages.
  DeviceBatches(const TrainingBatches& batches, c10::Device device);
  static int64_t bytes_of(const TrainingBatches& batches);

  Batch at(int64_t step) const;

 private:
  const TrainingBatches& batches_;
  DeviceImages targets_;
  std::unique_ptr<DeviceImages> inputs_;  ///< of pairs
};

}  // namespace sscvae::train
