#pragma once

#include <utility>

#include "sscvae/array/data_type.h"

/// Arithmetic is done in three types only: float32, float64 and int64.
namespace sscvae {

inline DataType computed_in(DataType type) {
  if (type == kFloat64) return kFloat64;
  return is_floating_point(type) ? kFloat32 : kInt64;
}

/// Calls f with a value of the type that stores `type`, one of the three.
template <class F>
decltype(auto) with_computed_type(DataType type, F&& f) {
  if (type == kFloat64) return f(double{});
  if (type == kInt64) return f(int64_t{});
  return f(float{});
}

/// The same for fractions.
template <class F>
decltype(auto) with_fraction_type(DataType type, F&& f) {
  if (type == kFloat64) return f(double{});
  return f(float{});
}

}  // namespace sscvae
