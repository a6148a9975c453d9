#include "sscvae/array/elementwise.h"

#include <cmath>
#include <type_traits>

#include "sscvae/array/computed_type.h"
#include "sscvae/array/vector_math.h"
#include "sscvae/array/walk.h"
#include "sscvae/core/error.h"

namespace sscvae {

namespace {

/// The type of a result. A single number (no axes) only turns integers into fractions.
DataType type_of_both(const Array& a, const Array& b) {
  const bool a_counts = a.dim() > 0 || b.dim() == 0, b_counts = b.dim() > 0 || a.dim() == 0;
  if (a_counts && b_counts) return common_type(a.type(), b.type());
  const DataType of_many = a_counts ? a.type() : b.type(), of_one = a_counts ? b.type() : a.type();
  const bool turns = of_many == kBool || (is_floating_point(of_one) && !is_floating_point(of_many));
  return turns ? of_one : of_many;
}

/// An uninitialised result of these sizes in the order of axes of the first operand that has them.
Array result_for(const Sizes& sizes, DataType type, const Array& a, const Array& b) {
  if (a.sizes() == sizes) return empty_like(a, type);
  if (b.sizes() == sizes) return empty_like(b, type);
  return Array::empty(sizes, type);
}

template <class T, class To, class F>
void apply(const Array& to, const Array& a, const Array& b, const F& f) {
  const Walk<3> walk(to.sizes(), {to.strides(), a.strides(), b.strides()});
  To* out = to.data<To>();
  const T *x = a.data<T>(), *y = b.data<T>();
  const int64_t step = walk.strides[0].back(), step_a = walk.strides[1].back(), step_b = walk.strides[2].back();
  walk.run([&](const std::array<int64_t, 3>& at, int64_t count) {
    To* o = out + at[0];
    const T *p = x + at[1], *q = y + at[2];
    if (step == 1 && step_a == 1 && step_b == 1) {
      for (int64_t i = 0; i < count; ++i) o[i] = static_cast<To>(f(p[i], q[i]));
    } else if (step == 1 && step_a == 1 && step_b == 0) {
      const T value = *q;
      for (int64_t i = 0; i < count; ++i) o[i] = static_cast<To>(f(p[i], value));
    } else {
      for (int64_t i = 0; i < count; ++i) o[i * step] = static_cast<To>(f(p[i * step_a], q[i * step_b]));
    }
  });
}

template <class F>
Array binary(const Array& a, const Array& b, const F& f) {
  const DataType type = type_of_both(a, b), inner = computed_in(type);
  const Sizes sizes = common_sizes(a.sizes(), b.sizes());
  const Array result = result_for(sizes, inner, a, b);
  const Array x = a.to(inner).expand(sizes), y = b.to(inner).expand(sizes);
  with_computed_type(inner, [&](auto kind) { apply<decltype(kind), decltype(kind)>(result, x, y, f); });
  return result.to(type);
}

template <class F>
const Array& into(const Array& a, const Array& b, const F& f) {
  const DataType inner = computed_in(type_of_both(a, b));
  const Array x = a.to(inner), y = b.to(inner).expand(a.sizes());
  with_computed_type(inner, [&](auto kind) { apply<decltype(kind), decltype(kind)>(x, x, y, f); });
  return x.bytes() == a.bytes() ? a : a.copy_(x);
}

template <class F>
Array compared(const Array& a, const Array& b, const F& f) {
  const DataType inner = computed_in(common_type(a.type(), type_of_both(a, b)));
  const Sizes sizes = common_sizes(a.sizes(), b.sizes());
  const Array result = result_for(sizes, kBool, a, b);
  const Array x = a.to(inner).expand(sizes), y = b.to(inner).expand(sizes);
  with_computed_type(inner, [&](auto kind) { apply<decltype(kind), bool>(result, x, y, f); });
  return result;
}

/// f of fractions: integers become float32.
template <class F>
Array unary(const Array& a, const F& f) {
  const DataType inner = a.type() == kFloat64 ? kFloat64 : kFloat32;
  const Array result = empty_like(a, inner), x = a.to(inner);
  with_fraction_type(inner, [&](auto kind) {
    using T = decltype(kind);
    apply<T, T>(result, x, x, [&](T value, T) { return f(value); });
  });
  return is_floating_point(a.type()) ? result.to(a.type()) : result;
}

/// A number beside an array, which it widens only from integers to fractions.
Array number_beside(const Array& a, double value) {
  if (a.type() == kFloat64) return Array::scalar(value, kFloat64);
  const bool whole = !is_floating_point(a.type()) && value == std::floor(value);
  return Array::scalar(value, whole ? kInt64 : kFloat32);
}

constexpr auto kPlus = [](auto a, auto b) { return a + b; };
constexpr auto kMinus = [](auto a, auto b) { return a - b; };
constexpr auto kTimes = [](auto a, auto b) { return a * b; };
constexpr auto kOver = [](auto a, auto b) { return b == 0 && std::is_integral_v<decltype(b)> ? b : a / b; };
constexpr auto kLess = [](auto a, auto b) { return a < b; };
constexpr auto kSame = [](auto a, auto b) { return a == b; };

Array as_fraction(const Array& a) { return is_floating_point(a.type()) ? a : a.to(kFloat32); }

}  // namespace

Array operator+(const Array& a, const Array& b) { return binary(a, b, kPlus); }
Array operator-(const Array& a, const Array& b) { return binary(a, b, kMinus); }
Array operator*(const Array& a, const Array& b) { return binary(a, b, kTimes); }
Array operator/(const Array& a, const Array& b) { return binary(as_fraction(a), b, kOver); }
Array operator+(const Array& a, double b) { return a + number_beside(a, b); }
Array operator-(const Array& a, double b) { return a - number_beside(a, b); }
Array operator*(const Array& a, double b) { return a * number_beside(a, b); }
Array operator/(const Array& a, double b) { return as_fraction(a) / number_beside(as_fraction(a), b); }
Array operator+(double a, const Array& b) { return b + a; }
Array operator-(double a, const Array& b) {
  return binary(b, number_beside(b, a), [](auto x, auto y) { return y - x; });
}
Array operator*(double a, const Array& b) { return b * a; }
Array operator/(double a, const Array& b) {
  return binary(as_fraction(b), number_beside(as_fraction(b), a), [](auto x, auto y) { return kOver(y, x); });
}
Array operator-(const Array& a) { return 0.0 - a; }

Array minimum(const Array& a, const Array& b) {
  return binary(a, b, [](auto x, auto y) { return x < y || x != x ? x : y; });
}

Array maximum(const Array& a, const Array& b) {
  return binary(a, b, [](auto x, auto y) { return x > y || x != x ? x : y; });
}

const Array& operator+=(const Array& a, const Array& b) { return into(a, b, kPlus); }
const Array& operator-=(const Array& a, const Array& b) { return into(a, b, kMinus); }
const Array& operator*=(const Array& a, const Array& b) { return into(a, b, kTimes); }
const Array& operator/=(const Array& a, const Array& b) { return into(a, b, kOver); }
const Array& operator+=(const Array& a, double b) { return a += number_beside(a, b); }
const Array& operator-=(const Array& a, double b) { return a -= number_beside(a, b); }
const Array& operator*=(const Array& a, double b) { return a *= number_beside(a, b); }
const Array& operator/=(const Array& a, double b) { return a /= number_beside(a, b); }

Array eq(const Array& a, const Array& b) { return compared(a, b, kSame); }
Array eq(const Array& a, double b) { return eq(a, number_beside(a, b)); }
Array ne(const Array& a, const Array& b) {
  return compared(a, b, [](auto x, auto y) { return x != y; });
}
Array ne(const Array& a, double b) { return ne(a, number_beside(a, b)); }
Array lt(const Array& a, const Array& b) { return compared(a, b, kLess); }
Array lt(const Array& a, double b) { return lt(a, number_beside(a, b)); }
Array gt(const Array& a, const Array& b) {
  return compared(a, b, [](auto x, auto y) { return x > y; });
}
Array gt(const Array& a, double b) { return gt(a, number_beside(a, b)); }
Array logical_and(const Array& a, const Array& b) {
  return compared(a, b, [](auto x, auto y) { return x != 0 && y != 0; });
}
Array logical_or(const Array& a, const Array& b) {
  return compared(a, b, [](auto x, auto y) { return x != 0 || y != 0; });
}
Array logical_not(const Array& a) { return eq(a, 0); }
Array isfinite(const Array& a) {
  return compared(a, a, [](auto x, auto) { return x - x == 0; });
}

bool equal(const Array& a, const Array& b) {
  if (a.sizes() != b.sizes()) return false;
  const Array same = eq(a, b).contiguous();
  return std::all_of(same.data<bool>(), same.data<bool>() + same.numel(), [](bool value) { return value; });
}

Array where(const Array& condition, const Array& yes, const Array& no) {
  const Sizes sizes = common_sizes(condition.sizes(), common_sizes(yes.sizes(), no.sizes()));
  const DataType type = type_of_both(yes, no);
  const Array result = result_for(sizes, type, yes, no), chosen = condition.to(kBool).expand(sizes);
  const Array other = no.to(type).expand(sizes);
  result.copy_(yes);
  const Walk<3> walk(sizes, {result.strides(), chosen.strides(), other.strides()});
  with_type(type, [&](auto kind) {
    using T = decltype(kind);
    walk.run([&](const std::array<int64_t, 3>& at, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        if (chosen.data<bool>()[at[1] + i * walk.strides[1].back()]) continue;
        result.data<T>()[at[0] + i * walk.strides[0].back()] = other.data<T>()[at[2] + i * walk.strides[2].back()];
      }
    });
  });
  return result;
}

Array abs(const Array& a) {
  return binary(a, number_beside(a, 0), [](auto x, auto) { return x < 0 ? -x : x == 0 ? decltype(x){0} : x; });
}
Array sign(const Array& a) {
  return binary(a, number_beside(a, 0), [](auto x, auto) { return static_cast<decltype(x)>((x > 0) - (x < 0)); });
}
Array square(const Array& a) { return a * a; }
Array sqrt(const Array& a) {
  return unary(a, [](auto x) { return std::sqrt(x); });
}
Array rsqrt(const Array& a) {
  return unary(a, [](auto x) { return 1 / std::sqrt(x); });
}
Array exp(const Array& a) {
  return unary(a, [](auto x) { return exponential(x); });
}
Array log(const Array& a) {
  return unary(a, [](auto x) { return std::log(x); });
}
Array cos(const Array& a) {
  return unary(a, [](auto x) { return std::cos(x); });
}
Array round(const Array& a) {
  return unary(a, [](auto x) { return std::nearbyint(x); });
}
Array pow(const Array& a, double exponent) {
  return unary(a, [exponent](auto x) { return static_cast<decltype(x)>(std::pow(x, exponent)); });
}
Array clamp(const Array& a, double least, double most) { return minimum(clamp_min(a, least), number_beside(a, most)); }
Array clamp_min(const Array& a, double least) { return maximum(a, number_beside(a, least)); }
Array relu(const Array& a) {
  return binary(a, number_beside(a, 0), [](auto x, auto zero) { return x < zero ? zero : x; });
}
Array sigmoid(const Array& a) {
  return unary(a, [](auto x) { return sigmoid_of(x); });
}
Array silu(const Array& a) {
  return unary(a, [](auto x) { return x * sigmoid_of(x); });
}
Array softplus(const Array& a) {
  return unary(a, [](auto x) { return softplus_of(x); });
}

}  // namespace sscvae
