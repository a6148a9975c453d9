#include "sscvae/array/array.h"

#include <gtest/gtest.h>

#include <atomic>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/memory.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"

namespace sscvae {
namespace {

TEST(Array, SharesItsNumbersWithViewsAndCopiesOfTheHandle) {
  const Array array = Array::range(12, kFloat32).view({3, 4});
  const Array column = array.select(1, 2), same = array;
  column.fill_(-1);
  EXPECT_EQ(sum(array), 66 - (2 + 6 + 10) - 3);
  EXPECT_EQ(same.bytes(), array.bytes());
  EXPECT_NE(array.clone().bytes(), array.bytes());
}

TEST(Array, FreesItsMemoryWithTheLastView) {
  int64_t held = 0;
  const ArrayMemoryListener listener([&](int64_t bytes) { held += bytes; });
  Array view;
  {
    const Array array = Array::zeros({1000});
    view = array.narrow(0, 10, 5);
    EXPECT_EQ(held, 4000);
  }
  EXPECT_EQ(held, 4000);
  view = {};
  EXPECT_EQ(held, 0);
}

TEST(Array, RefusesWhatHasNoMeaning) {
  const Array array = Array::zeros({2, 3});
  EXPECT_THROW(array.view({4, 2}), ShapeError);
  EXPECT_THROW(array.t().view({6}), ShapeError);
  EXPECT_THROW(array.narrow(1, 2, 2), ShapeError);
  EXPECT_THROW(array.size(2), ShapeError);
  EXPECT_THROW(array.expand({2, 4}), ShapeError);
  EXPECT_THROW(array.item<double>(), ShapeError);
  EXPECT_THROW(array + Array::zeros({2, 2}), ShapeError);
  EXPECT_THROW(array.data<double>(), InternalError);
  EXPECT_THROW(Array::placeholder({3}).data<float>(), InternalError);
  EXPECT_THROW(Array().clone(), InternalError);
  EXPECT_THROW(Array::zeros({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST(Array, PlaceholdersAreDistinct) {
  const Array a = Array::placeholder({2, 3}), b = Array::placeholder({2, 3}), same = a;
  EXPECT_TRUE(a.is_placeholder());
  EXPECT_NE(a.placeholder_id(), b.placeholder_id());
  EXPECT_EQ(a.placeholder_id(), same.placeholder_id());
  EXPECT_FALSE(Array::zeros({2}).is_placeholder());
}

TEST(Parallel, CoversEveryStepOnceAndPassesFailuresOn) {
  for (const int threads : {1, 3}) {
    const int before = num_threads();
    set_num_threads(threads);
    std::vector<std::atomic<int>> visits(1000);
    parallel_for(0, 1000, 7, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
    });
    for (const auto& count : visits) EXPECT_EQ(count, 1);
    EXPECT_THROW(parallel_for(0, 10, 1, [](int64_t, int64_t) { throw IoError("no"); }), IoError);
    set_num_threads(before);
  }
  EXPECT_THROW(set_num_threads(0), UsageError);
}

}  // namespace
}  // namespace sscvae
