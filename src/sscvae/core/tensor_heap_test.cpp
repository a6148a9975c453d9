#include "sscvae/core/tensor_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace sscvae {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(TensorHeap, UsesTheSameAddressesAgain) {
  TensorHeap heap(64 * kMiB);
  void *a = heap.allocate(4 * kMiB), *b = heap.allocate(4 * kMiB), *c = heap.allocate(4 * kMiB);
  std::memset(b, 7, 4 * kMiB);
  EXPECT_TRUE(heap.release(b));
  EXPECT_EQ(heap.allocate(3 * kMiB), b);  // the lowest that fits
  EXPECT_TRUE(heap.release(a));
  EXPECT_TRUE(heap.release(b));
  EXPECT_EQ(heap.allocate(8 * kMiB), a);  // neighbours have become one
  EXPECT_TRUE(heap.release(c));
  EXPECT_EQ(heap.allocate(4 * kMiB), c);
}

TEST(TensorHeap, SaysNoToWhatDoesNotFitOrIsNotIts) {
  TensorHeap heap(8 * kMiB);
  void* all = heap.allocate(8 * kMiB);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(heap.allocate(1), nullptr);
  EXPECT_FALSE(heap.release(&heap));
  EXPECT_FALSE(heap.release(static_cast<char*>(all) + 4096));
  EXPECT_TRUE(heap.release(all));
  EXPECT_FALSE(heap.release(all));
}

TEST(TensorHeap, ServesThreads) {
  TensorHeap heap(256 * kMiB);
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id)
    threads.emplace_back([&heap, id] {
      for (int i = 0; i < 200; ++i) {
        auto* block = static_cast<unsigned char*>(heap.allocate(kMiB + static_cast<size_t>(i + 1) * 4096));
        ASSERT_NE(block, nullptr);
        block[0] = block[kMiB] = static_cast<unsigned char>(id);
        std::this_thread::yield();
        EXPECT_EQ(block[0], id);
        EXPECT_EQ(block[kMiB], id);
        EXPECT_TRUE(heap.release(block));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(heap.allocate(256 * kMiB), nullptr);  // the free pieces have become one again
}

}  // namespace
}  // namespace sscvae
