#include "sscvae/nn/to_device.h"

#include "sscvae/core/error.h"

namespace sscvae::nn {

namespace {

thread_local int forbidden_copies = 0;

}  // namespace

NoCopiesToDevice::NoCopiesToDevice() { ++forbidden_copies; }
NoCopiesToDevice::~NoCopiesToDevice() { --forbidden_copies; }

at::Tensor to_device(const at::Tensor& tensor, c10::Device device) {
  if (forbidden_copies > 0 && tensor.device() != device)
    throw InternalError("a pass copies from the host what may change from step to step");
  if (!device.is_cuda() || !tensor.device().is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(at::TensorOptions(device), /*non_blocking=*/true);
}

}  // namespace sscvae::nn
