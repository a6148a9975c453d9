#include "sscvae/nn/tensor_allocator.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"

namespace sscvae::nn {
namespace {

TEST(TensorAllocator, ServesTensorsFromTheHeap) {
  use_tensor_heap();
  use_tensor_heap();
  for (const int64_t count : {10, 300000, 3000000}) {
    const at::Tensor tensor = at::full({count}, 2.0f);
    EXPECT_EQ(tensor.sum().item<float>(), 2.0f * static_cast<float>(count));
  }
}

}  // namespace
}  // namespace sscvae::nn
