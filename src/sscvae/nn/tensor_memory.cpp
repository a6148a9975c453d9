#include "sscvae/nn/tensor_memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <utility>

namespace sscvae::nn {

class TensorMemory::Meter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override { add(size); }
  void add(int64_t size) {
    current_ += size;
    peak_ = std::max(peak_, current_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  int64_t current_ = 0, peak_ = 0;
};

namespace {

constexpr int kErrorsOnly = 2;  // not the warning that a block from before is given back

}  // namespace

TensorMemory::TensorMemory()
    : meter_(std::make_shared<Meter>()),
      guard_(c10::DebugInfoKind::PROFILER_STATE, meter_),
      of_arrays_([meter = meter_](int64_t bytes) { meter->add(bytes); }),
      log_level_(std::exchange(FLAGS_caffe2_log_level, kErrorsOnly)) {}

TensorMemory::~TensorMemory() { FLAGS_caffe2_log_level = log_level_; }

int64_t TensorMemory::peak_bytes() const { return meter_->peak(); }

}  // namespace sscvae::nn
