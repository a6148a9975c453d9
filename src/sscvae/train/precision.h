#pragma once

#include <c10/core/Device.h>
#include "sscvae/train/options.h"

namespace sscvae::train {

/// Are networks computed in bf16 on that device? Only where the hardware multiplies bf16 matrices (AVX512_BF16 or AMX
/// on the CPU; always on CUDA): auto takes it there. Asked for elsewhere, it is fp32 with a note, because LibTorch
/// would emulate it at minutes a step.
bool uses_bf16(Precision precision, c10::Device device);

/// LibTorch's automatic casting to bf16 while it lives (nothing if not `enabled`). Cast weights are forgotten at the
/// end, so that no scope may span an optimizer step.
class AutocastScope {
 public:
  AutocastScope(c10::Device device, bool enabled);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType device_;
  bool enabled_;
};

}  // namespace sscvae::train
