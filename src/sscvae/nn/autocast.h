#pragma once

#include <ATen/core/Tensor.h>

namespace sscvae::nn {

/// Switches automatic bf16 casting off while it lives: sparse coding runs in fp32 inside a bf16 network.
class AutocastDisabled {
 public:
  explicit AutocastDisabled(c10::DeviceType device);
  ~AutocastDisabled();
  AutocastDisabled(const AutocastDisabled&) = delete;
  AutocastDisabled& operator=(const AutocastDisabled&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
};

/// float32 for half precisions, otherwise unchanged.
at::Tensor to_full_precision(const at::Tensor& tensor);

}  // namespace sscvae::nn
