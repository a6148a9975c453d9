#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace sscvae {

/// Memory for numbers, aligned to 64 bytes; blocks of a megabyte and more from a heap that keeps its pages
/// (core/tensor_heap.h). Errors: std::bad_alloc.
std::shared_ptr<void> allocate_numbers(int64_t bytes);

/// While it lives, `hear` is called with the bytes of each array that this thread allocates, and with the negative
/// number when it frees one. An inner listener replaces the outer one while it lives.
class ArrayMemoryListener {
 public:
  explicit ArrayMemoryListener(std::function<void(int64_t)> hear);
  ~ArrayMemoryListener();
  ArrayMemoryListener(const ArrayMemoryListener&) = delete;
  ArrayMemoryListener& operator=(const ArrayMemoryListener&) = delete;

 private:
  std::function<void(int64_t)> hear_;
  const std::function<void(int64_t)>* outer_;
};

}  // namespace sscvae
