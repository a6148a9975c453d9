#pragma once

#include <vector>

#include "sscvae/array/array.h"

namespace sscvae::engine {

/// Memory for the values of a pass, used again as soon as nothing refers to it, and kept for the next pass.
class Arena {
 public:
  /// An uninitialised map [N,C,H,W] in channels-last order. Freed by letting go of it.
  Array map(const Sizes& sizes, DataType type);
  /// Drops memory that has not been used since the last call.
  void end_of_pass();
  /// Bytes held, in use or not.
  int64_t bytes() const;

 private:
  struct Block {
    Array memory;  // bytes
    bool used;
  };
  Array take(int64_t bytes);
  std::vector<Block> blocks_;
};

}  // namespace sscvae::engine
