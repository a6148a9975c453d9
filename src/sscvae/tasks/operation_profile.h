#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/tasks/mac_counter.h"

namespace sscvae::tasks {

/// One operation of one layer, all its calls together.
struct OperationTime {
  std::string layer;      ///< the parameter's key without ".weight"; "" where the operation uses none
  std::string operation;  ///< as LibTorch names it: "conv2d", "addmm", "convolution_backward"
  int64_t calls = 0;
  double seconds = 0;
  int64_t macs = 0;  ///< exact rule; 0 where it counts none
};

/// Times the operations of this thread while it lives, on the processor. An operation that calls others (conv2d calls
/// convolution, which calls oneDNN's) is one: the outermost. Observing costs some microseconds for each operation.
class OperationProfile {
 public:
  explicit OperationProfile(const ParameterNames& names);
  ~OperationProfile();
  OperationProfile(const OperationProfile&) = delete;
  OperationProfile& operator=(const OperationProfile&) = delete;

  /// Longest first.
  std::vector<OperationTime> times() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sscvae::tasks
