#include "sscvae/core/to_device.h"

namespace sscvae {

at::Tensor to_device(const at::Tensor& tensor, c10::Device device) {
  if (!device.is_cuda() || !tensor.device().is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(at::TensorOptions(device), /*non_blocking=*/true);
}

}  // namespace sscvae
