#include "sscvae/array/memory.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "sscvae/core/tensor_heap.h"

namespace sscvae {

namespace {

constexpr size_t kAlignment = 64;
constexpr int64_t kSmallestOfHeap = int64_t{1} << 20;

thread_local const std::function<void(int64_t)>* listener = nullptr;

void count(int64_t bytes) {
  if (listener) (*listener)(bytes);
}

}  // namespace

std::shared_ptr<void> allocate_numbers(int64_t bytes) {
  void* block = bytes >= kSmallestOfHeap ? process_heap().allocate(static_cast<size_t>(bytes)) : nullptr;
  const bool of_heap = block != nullptr;
  if (!of_heap) {
    const size_t rounded = (static_cast<size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
    block = std::aligned_alloc(kAlignment, rounded == 0 ? kAlignment : rounded);
    if (!block) throw std::bad_alloc();
  }
  count(bytes);
  return {block, [bytes, of_heap](void* released) {
            count(-bytes);
            if (of_heap) process_heap().release(released);
            else std::free(released);
          }};
}

ArrayMemoryListener::ArrayMemoryListener(std::function<void(int64_t)> hear)
    : hear_(std::move(hear)), outer_(std::exchange(listener, &hear_)) {}

ArrayMemoryListener::~ArrayMemoryListener() { listener = outer_; }

}  // namespace sscvae
