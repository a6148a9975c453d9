#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/tasks/benchmark_stages.h"
#include "sscvae/workshop/mac_counter.h"

namespace sscvae::workshop {

using tasks::OperationTime;

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

}  // namespace sscvae::workshop
