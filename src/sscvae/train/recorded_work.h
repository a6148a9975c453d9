#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>

namespace sscvae::train {

/// Work on a GPU that was recorded as a CUDA graph: all its launches start as one. It reads and writes the memory that
/// it was recorded with.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  /// Queued on the current stream.
  virtual void run() = 0;
};

/// Records what `work` queues on that GPU; nothing of it runs yet. Errors: whatever `work` throws, among it LibTorch's
/// errors for all that cannot be recorded (reading a result, copies that wait); UsageError for other devices and in a
/// build without the kernels of cmake/Cuda.cmake.
std::unique_ptr<RecordedWork> record_work(c10::Device device, const std::function<void()>& work);

}  // namespace sscvae::train
