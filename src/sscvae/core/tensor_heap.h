#pragma once

#include <cstddef>
#include <map>
#include <mutex>

/// Memory of large arrays that stays with the process. The system's allocator gives every map of some megabytes back
/// and takes it anew, zeroed page by page, which costs a training step a sixth of its time.
namespace sscvae {

/// Blocks from one reserved range of addresses: the shortest free piece that fits, the lowest of equal ones, so that
/// the range in use stays short. Safe to call from several threads.
class TensorHeap {
 public:
  /// Reserves addresses, not memory. Holds nothing, and allocate() always fails, where the system refuses.
  explicit TensorHeap(size_t capacity);
  ~TensorHeap();
  TensorHeap(const TensorHeap&) = delete;
  TensorHeap& operator=(const TensorHeap&) = delete;

  /// A block aligned to 4096 bytes, or null where no range is long enough.
  void* allocate(size_t bytes);
  /// Takes a block back; false for an address that is not of this heap.
  bool release(void* block);

 private:
  void insert_free(size_t offset, size_t bytes);
  std::mutex mutex_;
  char* base_ = nullptr;
  size_t capacity_;
  std::map<size_t, size_t> free_, used_;  // offset -> bytes
};

/// The heap of large arrays and tensors, never destroyed: they may outlive everything.
TensorHeap& process_heap();

}  // namespace sscvae
