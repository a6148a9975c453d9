#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "sscvae/data/training_batches.h"

namespace sscvae::train {

using data::ImageStore;
using data::SamplePlan;

/// All images of a store as one block of integers in the memory of a device: 8 bits each where all images have 8, else
/// 16 (an 8-bit v as 257 v, which is the same fraction).
class DeviceImages {
 public:
  /// Decodes what the store does not hold decoded. Errors: as ImageStore::pixels; what LibTorch throws where the memory
  /// does not suffice.
  DeviceImages(const ImageStore& store, c10::Device device);
  /// Bytes that they take.
  static int64_t bytes_of(const ImageStore& store);

  /// The windows as ImageStore::copy_window gives them, float32 [N,C,h,w] on the device, exactly equal; all of one
  /// shape. What goes there is one table of h + w numbers for each sample; nothing waits.
  at::Tensor cut(const std::vector<SamplePlan>& samples) const;

 private:
  struct Place {
    int64_t first, height, width;
  };
  void fill(const ImageStore& store, int64_t begin, int64_t end, int64_t& filled);

  int64_t channels_;
  bool wide_;                  ///< 16 bits
  std::vector<Place> places_;  ///< of each image
  at::Tensor integers_;        ///< uint8 or int16 (the bits of uint16), images one after another, channels innermost
  at::Tensor fractions_;       ///< float32, value / (2^bits - 1) of each integer
  at::Tensor channel_;         ///< int64 [1,C,1,1]: 0 ... C - 1
};

}  // namespace sscvae::train
