#pragma once

#include <array>
#include <numeric>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"

/// Loops over the numbers of several arrays of one shape, in an order that suits the first one's memory.
namespace sscvae {

/// The axes of `count` arrays, joined where all of them allow it, the first array's shortest strides innermost.
template <size_t count>
struct Walk {
  Sizes sizes;
  std::array<Sizes, count> strides;

  Walk(const Sizes& shape, const std::array<Sizes, count>& given) {
    std::vector<size_t> order(shape.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return given[0][a] > given[0][b]; });
    for (const size_t axis : order)
      if (shape[axis] != 1) add(shape[axis], axis, given);
    if (!sizes.empty()) return;
    sizes.push_back(1);
    for (Sizes& s : strides) s.push_back(0);
  }

  /// Calls row(offsets, n) with the offsets of the first of n numbers in a row; further ones lie strides[i].back()
  /// apart.
  template <class Row>
  void run(const Row& row) const {
    constexpr int64_t kGrain = 1 << 15;
    const int64_t length = sizes.back(), rows = sizes.product() / std::max<int64_t>(length, 1);
    if (length == 0) return;
    if (rows == 1) {
      parallel_for(0, length, kGrain, [&](int64_t begin, int64_t end) {
        std::array<int64_t, count> offsets;
        for (size_t i = 0; i < count; ++i) offsets[i] = begin * strides[i].back();
        row(offsets, end - begin);
      });
      return;
    }
    parallel_for(0, rows, std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) row(offsets_of(r), length);
    });
  }

 private:
  void add(int64_t size, size_t axis, const std::array<Sizes, count>& given) {
    bool joins = !sizes.empty();
    for (size_t i = 0; i < count && joins; ++i) joins = strides[i].back() == given[i][axis] * size;
    if (joins) sizes[sizes.size() - 1] *= size;
    else sizes.push_back(size);
    for (size_t i = 0; i < count; ++i) {
      if (joins) strides[i][strides[i].size() - 1] = given[i][axis];
      else strides[i].push_back(given[i][axis]);
    }
  }
  std::array<int64_t, count> offsets_of(int64_t row) const {
    std::array<int64_t, count> offsets{};
    for (size_t axis = sizes.size() - 1; axis-- > 0;) {
      const int64_t index = row % sizes[axis];
      row /= sizes[axis];
      for (size_t i = 0; i < count; ++i) offsets[i] += index * strides[i][axis];
    }
    return offsets;
  }
};

}  // namespace sscvae
