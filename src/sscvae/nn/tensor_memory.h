#pragma once

#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <memory>

#include "sscvae/array/memory.h"

namespace sscvae::nn {

/// Adds up what LibTorch's allocators and arrays take and give back on this thread while it lives. Blocks from before
/// that are given back meanwhile do not count, nor does what never passes through the allocators (oneDNN's own
/// scratch).
class TensorMemory {
 public:
  TensorMemory();
  ~TensorMemory();
  TensorMemory(const TensorMemory&) = delete;
  TensorMemory& operator=(const TensorMemory&) = delete;
  /// Largest number of bytes in use at once, beyond what was in use before.
  int64_t peak_bytes() const;

 private:
  class Meter;
  std::shared_ptr<Meter> meter_;
  c10::DebugInfoGuard guard_;
  ArrayMemoryListener of_arrays_;
  int log_level_;  ///< LibTorch's, while it is silenced
};

}  // namespace sscvae::nn
