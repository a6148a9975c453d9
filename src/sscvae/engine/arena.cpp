#include "sscvae/engine/arena.h"

#include <algorithm>

#include "sscvae/array/array.h"

namespace sscvae::engine {

Array Arena::take(int64_t bytes) {
  Block* best = nullptr;
  for (Block& block : blocks_) {
    const bool free = block.memory.owner().use_count() == 1;
    if (free && block.memory.numel() >= bytes && (!best || block.memory.numel() < best->memory.numel())) best = &block;
  }
  if (!best) {
    blocks_.push_back({Array::empty({bytes}, kUint8), true});
    best = &blocks_.back();
  }
  best->used = true;
  return best->memory.narrow(0, 0, bytes);
}

Array Arena::map(const Sizes& sizes, DataType type) {
  const int64_t count = sizes[0] * sizes[1] * sizes[2] * sizes[3];
  const Array memory = take(count * size_of(type));
  return Array::borrow(memory.bytes(), sizes, dense_strides(sizes, Layout::kChannelsLast), type, memory.owner());
}

void Arena::end_of_pass() {
  std::erase_if(blocks_, [](const Block& block) { return !block.used; });
  for (Block& block : blocks_) block.used = false;
}

int64_t Arena::bytes() const {
  int64_t sum = 0;
  for (const Block& block : blocks_) sum += block.memory.numel();
  return sum;
}

}  // namespace sscvae::engine
