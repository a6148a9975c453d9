#include "sscvae/train/precision.h"

#include <ATen/autocast_mode.h>

#include "sscvae/core/cpu_features.h"

namespace sscvae::train {

bool uses_bf16(Precision precision, c10::Device device) {
  if (precision != Precision::kAuto) return precision == Precision::kBf16;
  return device.is_cuda() || (device.is_cpu() && cpu_features().has_fast_bf16());
}

AutocastScope::AutocastScope(c10::Device device, bool enabled) : device_(device.type()), enabled_(enabled) {
  if (!enabled_) return;
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
}

AutocastScope::~AutocastScope() {
  if (!enabled_) return;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace sscvae::train
