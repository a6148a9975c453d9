#pragma once

#include <ATen/core/Tensor.h>

namespace sscvae::nn {

/// The tensor on that device. Towards a GPU the copy is queued on the current stream, through memory that the device
/// reads by itself, and the caller goes on at once; Tensor::to would wait until the device has done all its work so
/// far.
at::Tensor to_device(const at::Tensor& tensor, c10::Device device);

/// While it lives, to_device throws InternalError on this thread where it would copy: work that is recorded and started
/// again later would read the host's memory of now.
class NoCopiesToDevice {
 public:
  NoCopiesToDevice();
  ~NoCopiesToDevice();
  NoCopiesToDevice(const NoCopiesToDevice&) = delete;
  NoCopiesToDevice& operator=(const NoCopiesToDevice&) = delete;
};

}  // namespace sscvae::nn
