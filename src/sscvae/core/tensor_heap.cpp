#include "sscvae/core/tensor_heap.h"

#include <sys/mman.h>

#include <algorithm>

namespace sscvae {

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kCapacity = size_t{1} << 40;  // addresses

size_t round_up(size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

TensorHeap::TensorHeap(size_t capacity) : capacity_(round_up(capacity)) {
  void* range = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return;
  base_ = static_cast<char*>(range);
  free_.emplace(0, capacity_);
}

TensorHeap::~TensorHeap() {
  if (base_) munmap(base_, capacity_);
}

void* TensorHeap::allocate(size_t bytes) {
  const size_t wanted = round_up(std::max<size_t>(bytes, 1));
  const std::lock_guard lock(mutex_);
  auto best = free_.end();
  for (auto range = free_.begin(); range != free_.end(); ++range)
    if (range->second >= wanted && (best == free_.end() || range->second < best->second)) best = range;
  if (best == free_.end()) return nullptr;
  const auto [offset, length] = *best;
  free_.erase(best);
  if (length > wanted) free_.emplace(offset + wanted, length - wanted);
  used_.emplace(offset, wanted);
  return base_ + offset;
}

bool TensorHeap::release(void* block) {
  auto* address = static_cast<char*>(block);
  if (!base_ || address < base_ || address >= base_ + capacity_) return false;
  const std::lock_guard lock(mutex_);
  const auto found = used_.find(static_cast<size_t>(address - base_));
  if (found == used_.end()) return false;
  const auto [offset, bytes] = *found;
  used_.erase(found);
  insert_free(offset, bytes);
  return true;
}

void TensorHeap::insert_free(size_t offset, size_t bytes) {
  auto next = free_.lower_bound(offset);
  if (next != free_.end() && next->first == offset + bytes) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  free_.emplace(offset, bytes);
}

TensorHeap& process_heap() {
  static auto* heap = new TensorHeap(kCapacity);
  return *heap;
}

}  // namespace sscvae
