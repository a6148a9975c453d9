#include "sscvae/array/products.h"

#include <cstring>

#include "sscvae/array/computed_type.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"

namespace sscvae {

namespace {

constexpr int64_t kDepth = 256;  // rows of b that stay in the cache
constexpr int64_t kRows = 4;     // of a at once

constexpr int64_t kBytes = 32, kVectors = 2;  // of a vector, and vectors beside each other

/// Sums in registers: c [kRows, 2 vectors] += a [kRows, depth] b [depth, 2 vectors].
template <class T>
[[gnu::always_inline]] inline void multiply_tile(T* c, int64_t c_stride, const T* a, int64_t a_stride, const T* b,
                                                 int64_t b_stride, int64_t depth) {
  typedef T Vector __attribute__((vector_size(kBytes)));
  constexpr int64_t kLanes = kBytes / static_cast<int64_t>(sizeof(T));
  Vector sums[kRows][kVectors] = {};
  for (int64_t k = 0; k < depth; ++k) {
    Vector right[kVectors];
    std::memcpy(right, b + k * b_stride, sizeof(right));
#pragma GCC unroll 4
    for (int64_t r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int64_t v = 0; v < kVectors; ++v) sums[r][v] += a[r * a_stride + k] * right[v];
  }
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t j = 0; j < kVectors * kLanes; ++j) c[r * c_stride + j] += sums[r][j / kLanes][j % kLanes];
}

/// c [rows, columns] += a [rows, depth] b [depth, columns], rows of c and b without gaps between their numbers.
template <class T>
#if defined(__x86_64__) && !defined(__clang__)
__attribute__((target_clones("default", "arch=x86-64-v3")))
#endif
void multiply_block(T* c, const T* a, int64_t a_stride, const T* b, int64_t rows, int64_t depth, int64_t columns) {
  constexpr int64_t kWidth = kVectors * kBytes / static_cast<int64_t>(sizeof(T));
  const int64_t whole_rows = rows / kRows * kRows, whole_columns = columns / kWidth * kWidth;
  alignas(kBytes) T panel[kDepth * kWidth];  // of b, where its rows do not fall into one another's place in the cache
  for (int64_t j = 0; j < whole_columns; j += kWidth) {
    for (int64_t k = 0; k < depth; ++k) std::memcpy(panel + k * kWidth, b + k * columns + j, kWidth * sizeof(T));
    for (int64_t r = 0; r < whole_rows; r += kRows)
      multiply_tile<T>(c + r * columns + j, columns, a + r * a_stride, a_stride, panel, kWidth, depth);
  }
  const auto rest = [&](int64_t r, int64_t first) {
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t j = first; j < columns; ++j) c[r * columns + j] += a[r * a_stride + k] * b[k * columns + j];
  };
  for (int64_t r = 0; r < rows; ++r) rest(r, r < whole_rows ? whole_columns : 0);
}

template <class T>
void multiply(const Array& c, const Array& a, const Array& b) {
  const int64_t depth = a.size(1), columns = b.size(1);
  parallel_for(0, a.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t k = 0; k < depth; k += kDepth)
      multiply_block(c.data<T>() + begin * columns, a.data<T>() + begin * depth + k, depth, b.data<T>() + k * columns,
                     end - begin, std::min(kDepth, depth - k), columns);
  });
}

DataType checked_type(const Array& a, const Array& b, bool fits) {
  if (!fits)
    throw ShapeError("arrays of " + to_string(a.sizes()) + " and " + to_string(b.sizes()) + " have no product");
  return computed_in(common_type(common_type(a.type(), b.type()), kFloat32));
}

}  // namespace

Array mm(const Array& a, const Array& b) {
  const DataType type = checked_type(a, b, a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(0));
  const Array product = Array::zeros({a.size(0), b.size(1)}, type);
  const Array left = a.to(type).contiguous(), right = b.to(type).contiguous();
  with_fraction_type(type, [&](auto kind) { multiply<decltype(kind)>(product, left, right); });
  return product;
}

Array addmm(const Array& sum, const Array& a, const Array& b) { return sum + mm(a, b); }

Array bmm(const Array& a, const Array& b) {
  const DataType type = checked_type(a, b, a.dim() == 3 && b.dim() == 3 && a.size(0) == b.size(0));
  const Array product = Array::empty({a.size(0), a.size(1), b.size(2)}, type);
  for (int64_t i = 0; i < a.size(0); ++i) product.select(0, i).copy_(mm(a.select(0, i), b.select(0, i)));
  return product;
}

Array mv(const Array& matrix, const Array& vector) { return mm(matrix, vector.unsqueeze(1)).squeeze(1); }
Array outer(const Array& a, const Array& b) { return a.unsqueeze(1) * b.unsqueeze(0); }
Array linear(const Array& rows, const Array& weight) { return mm(rows, weight.t()); }
double dot(const Array& a, const Array& b) { return sum(a * b); }

Array softmax(const Array& a, int64_t axis) {
  const Array powers = exp(a - amax(a, {axis}, true));
  return powers / sum(powers, {axis}, true);
}

}  // namespace sscvae
