#include "sscvae/train/precision.h"

#include <ATen/autocast_mode.h>

#include "sscvae/core/cpu_features.h"
#include "sscvae/core/log.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::train {

bool uses_bf16(Precision precision, c10::Device device) {
  if (precision == Precision::kFp32) return false;
  if (!device.is_cpu()) return device.is_cuda() || precision == Precision::kBf16;
  const bool fast = cpu_features().has_fast_bf16();
  if (precision == Precision::kBf16 && !fast)
    note("this processor has neither AVX512_BF16 nor AMX: training computes in fp32, which is faster here than bf16");
  return fast;
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
