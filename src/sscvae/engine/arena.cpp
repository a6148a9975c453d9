#include "sscvae/engine/arena.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace sscvae::engine {

at::Tensor Arena::take(int64_t bytes) {
  Block* best = nullptr;
  for (Block& block : blocks_) {
    const bool free = block.memory.storage().use_count() == 1;
    if (free && block.memory.numel() >= bytes && (!best || block.memory.numel() < best->memory.numel())) best = &block;
  }
  if (!best) {
    blocks_.push_back({at::empty({bytes}, at::kByte), true});
    best = &blocks_.back();
  }
  best->used = true;
  return best->memory.narrow(0, 0, bytes);
}

at::Tensor Arena::map(at::IntArrayRef sizes, at::ScalarType type) {
  const int64_t count = sizes[0] * sizes[1] * sizes[2] * sizes[3];
  const at::Tensor flat = take(count * static_cast<int64_t>(c10::elementSize(type))).view(type);
  return flat.view({sizes[0], sizes[2], sizes[3], sizes[1]}).permute({0, 3, 1, 2});
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
