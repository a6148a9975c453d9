#pragma once

#include <cstddef>
#include <map>
#include <mutex>

/// Memory of large tensors that stays with the process. The system's allocator gives every map of some megabytes back
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

/// Makes LibTorch take CPU tensors of a megabyte and more from such a heap from now on; others, and what does not fit,
/// come from where they did. Call before the first tensor; further calls do nothing.
void use_tensor_heap();

}  // namespace sscvae
