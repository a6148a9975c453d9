#include "sscvae/nn/autocast.h"

#include <ATen/autocast_mode.h>

namespace sscvae::nn {

AutocastDisabled::AutocastDisabled(c10::DeviceType device)
    : device_(device), was_enabled_(at::autocast::is_autocast_enabled(device)) {
  if (was_enabled_) at::autocast::set_autocast_enabled(device_, false);
}

AutocastDisabled::~AutocastDisabled() {
  if (was_enabled_) at::autocast::set_autocast_enabled(device_, true);
}

at::Tensor to_full_precision(const at::Tensor& tensor) {
  const auto type = tensor.scalar_type();
  return type == at::kBFloat16 || type == at::kHalf ? tensor.to(at::kFloat) : tensor;
}

}  // namespace sscvae::nn
