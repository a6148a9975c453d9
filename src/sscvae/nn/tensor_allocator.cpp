#include "sscvae/nn/tensor_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include "sscvae/core/tensor_heap.h"

namespace sscvae::nn {

namespace {

constexpr size_t kSmallest = size_t{1} << 20;  // bytes of a tensor that goes to the heap

class HeapAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* block = bytes >= kSmallest ? process_heap().allocate(bytes) : nullptr;
    if (!block) block = c10::alloc_cpu(bytes);
    c10::profiledCPUMemoryReporter().New(block, bytes);
    return {block, block, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t count) const override { default_copy_data(to, from, count); }

 private:
  static void release(void* block) {
    if (!block) return;
    c10::profiledCPUMemoryReporter().Delete(block);
    if (!process_heap().release(block)) c10::free_cpu(block);
  }
};

}  // namespace

void use_tensor_heap() {
  static const bool installed = [] {
    c10::SetCPUAllocator(new HeapAllocator);  // for the life of the process
    return true;
  }();
  static_cast<void>(installed);
}

}  // namespace sscvae::nn
