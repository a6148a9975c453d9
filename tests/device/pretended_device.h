#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "sscvae/nn/lista_steps.h"

/// A device that stands in for a GPU where there is none. It computes what the CPU computes, by LibTorch's own
/// operations, but is as strict as a GPU: the host cannot read its memory (a pointer to it that is followed ends the
/// program), an operation takes no tensors of two devices (but for CPU scalars), and backward passes run on a thread of
/// their own.
namespace sscvae::testing {

c10::Device pretended_device();

/// What a GPU would have made the host wait for, since the last call of `reset`.
struct DeviceTraffic {
  int64_t operations = 0;  ///< that ran on the device
  int64_t waits = 0;       ///< results that the host asked for: copies, .item(), sizes that depend on values
  int64_t bytes_to_host = 0;
  void reset() { *this = {}; }
};
DeviceTraffic& device_traffic();

/// The element-wise steps of sparse coding on this device.
const nn::ListaSteps& pretended_lista_steps();

}  // namespace sscvae::testing
