#include "sscvae/array/reductions.h"

#include <cmath>
#include <limits>

#include "sscvae/array/computed_type.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"

namespace sscvae {

namespace {

/// The array with the axes to be reduced last and joined: [rows, numbers], and the shape of the result.
struct Rows {
  Array values;
  Sizes kept, dropped;
};

Rows rows_over(const Array& a, const Sizes& axes) {
  std::vector<bool> reduced(a.sizes().size(), axes.empty());
  for (const int64_t axis : axes) reduced.at(static_cast<size_t>(axis < 0 ? axis + a.dim() : axis)) = true;
  Rows rows;
  Sizes order;
  for (const bool last : {false, true})
    for (size_t i = 0; i < reduced.size(); ++i)
      if (reduced[i] == last) order.push_back(static_cast<int64_t>(i));
  for (size_t i = 0; i < reduced.size(); ++i) {
    rows.kept.push_back(reduced[i] ? 1 : a.sizes()[i]);
    if (!reduced[i]) rows.dropped.push_back(a.sizes()[i]);
  }
  const int64_t count = rows.dropped.product(), numbers = a.numel() / std::max<int64_t>(count, 1);
  rows.values = a.permute(order).reshape({count, numbers});
  return rows;
}

template <class F>
Array reduced(const Array& a, const Sizes& axes, bool keep, DataType type, const F& figure) {
  const DataType inner = computed_in(type);
  const Rows rows = rows_over(a.to(inner), axes);
  const Array values = rows.values.contiguous(), result = Array::empty(keep ? rows.kept : rows.dropped, inner);
  const int64_t length = values.size(1);
  with_computed_type(inner, [&](auto kind) {
    using T = decltype(kind);
    parallel_for(0, values.size(0), std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(length, 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t r = begin; r < end; ++r)
                     result.data<T>()[r] = static_cast<T>(figure(values.data<T>() + r * length, length));
                 });
  });
  return result.to(type);
}

/// Sums in several parts, so that the compiler may use vectors.
template <class T>
auto sum_of(const T* values, int64_t count) {
  using Sum = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
  constexpr int64_t kParts = 8;
  Sum parts[kParts] = {};
  int64_t i = 0;
  for (; i + kParts <= count; i += kParts)
    for (int64_t j = 0; j < kParts; ++j) parts[j] += static_cast<Sum>(values[i + j]);
  for (; i < count; ++i) parts[0] += static_cast<Sum>(values[i]);
  Sum sum = 0;
  for (const Sum part : parts) sum += part;
  return sum;
}

DataType summed_in(DataType type) { return is_floating_point(type) ? type : kInt64; }

/// The first place for which no other number is better; NaN is best.
template <class T, class Better>
int64_t place_of(const T* values, int64_t count, const Better& better) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; ++i) {
    const auto value = static_cast<double>(values[i]), most = static_cast<double>(values[best]);
    if (most != most) return best;
    if (value != value || better(value, most)) best = i;
  }
  return best;
}

template <class Better>
Array places(const Array& a, int64_t axis, bool keep, const Better& better) {
  const Array places = reduced(a, {axis}, keep, is_floating_point(a.type()) ? kFloat64 : kInt64,
                               [&](const auto* values, int64_t count) { return place_of(values, count, better); });
  return places.to(kInt64);
}

constexpr auto kLarger = [](double a, double b) { return a > b; };
constexpr auto kSmaller = [](double a, double b) { return a < b; };

template <class Better>
Array extremes(const Array& a, const Sizes& axes, bool keep, const Better& better) {
  if (a.numel() == 0) throw ShapeError("array: no largest or smallest of no numbers");
  return reduced(a, axes, keep, a.type(),
                 [&](const auto* values, int64_t count) { return values[place_of(values, count, better)]; });
}

}  // namespace

Array sum(const Array& a, const Sizes& axes, bool keep) {
  return reduced(a, axes, keep, summed_in(a.type()), [](const auto* values, int64_t n) { return sum_of(values, n); });
}

Array mean(const Array& a, const Sizes& axes, bool keep) {
  const DataType type = is_floating_point(a.type()) ? a.type() : kFloat32;
  return reduced(a, axes, keep, type,
                 [](const auto* values, int64_t n) { return sum_of(values, n) / static_cast<double>(n); });
}

Array amax(const Array& a, const Sizes& axes, bool keep) { return extremes(a, axes, keep, kLarger); }
Array amin(const Array& a, const Sizes& axes, bool keep) { return extremes(a, axes, keep, kSmaller); }
Array argmax(const Array& a, int64_t axis, bool keep) { return places(a, axis, keep, kLarger); }
Array argmin(const Array& a, int64_t axis, bool keep) { return places(a, axis, keep, kSmaller); }

double sum(const Array& a) { return sum(a.to(is_floating_point(a.type()) ? kFloat64 : kInt64), {}).item<double>(); }
double mean(const Array& a) { return sum(a) / static_cast<double>(a.numel()); }
double max(const Array& a) { return amax(a, {}).item<double>(); }
double min(const Array& a) { return amin(a, {}).item<double>(); }
bool all(const Array& a) { return count_nonzero(a) == a.numel(); }
bool any(const Array& a) { return count_nonzero(a) > 0; }
int64_t count_nonzero(const Array& a) {
  const Array found = ne(a, 0);  // without gaps, in whatever order
  return std::count(found.data<bool>(), found.data<bool>() + found.numel(), true);
}

double median(const Array& a) { return kth_smallest(a, (a.numel() + 1) / 2); }

double kth_smallest(const Array& a, int64_t k) { return kth_smallest_of_rows(a.reshape({1, -1}), k).item<double>(); }

Array kth_smallest_of_rows(const Array& a, int64_t k) {
  const int64_t length = a.size(-1);
  if (k < 1 || k > length) throw ShapeError("array: no number " + std::to_string(k) + " of " + std::to_string(length));
  return reduced(a, {-1}, false, a.type(), [k](const auto* values, int64_t n) {
    using T = std::remove_cvref_t<decltype(*values)>;
    std::vector<T> copy(values, values + n);
    // NaN comes last.
    const auto before = [](T x, T y) { return x < y || (y != y && x == x); };
    std::nth_element(copy.begin(), copy.begin() + (k - 1), copy.end(), before);
    return copy[static_cast<size_t>(k - 1)];
  });
}

}  // namespace sscvae
