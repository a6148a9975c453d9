#pragma once

#include "sscvae/array/array.h"

/// Elementwise arithmetic (operators: array.h). Shapes broadcast, and operands of different types are converted to
/// their common type, where a single number (an array without axes, a C++ number) does not widen the other operand:
/// float32 times 0.5 is float32. Integers combined with a fraction become float32. Results have the memory order of
/// their first operand of full shape.
namespace sscvae {

Array minimum(const Array& a, const Array& b);
Array maximum(const Array& a, const Array& b);

// Truth values, of type bool.
Array eq(const Array& a, const Array& b);
Array eq(const Array& a, double b);
Array ne(const Array& a, const Array& b);
Array ne(const Array& a, double b);
Array lt(const Array& a, const Array& b);
Array lt(const Array& a, double b);
Array gt(const Array& a, const Array& b);
Array gt(const Array& a, double b);
Array logical_and(const Array& a, const Array& b);
Array logical_or(const Array& a, const Array& b);
Array logical_not(const Array& a);
Array isfinite(const Array& a);
/// The same shape and numbers; NaN equals nothing.
bool equal(const Array& a, const Array& b);
Array where(const Array& condition, const Array& yes, const Array& no);

Array abs(const Array& a);
Array sign(const Array& a);
Array square(const Array& a);
Array sqrt(const Array& a);
Array rsqrt(const Array& a);
Array exp(const Array& a);
Array log(const Array& a);
Array cos(const Array& a);
Array round(const Array& a);  ///< ties to even
Array pow(const Array& a, double exponent);
Array clamp(const Array& a, double least, double most);
Array clamp_min(const Array& a, double least);
Array relu(const Array& a);      ///< max(a, 0); NaN stays NaN
Array sigmoid(const Array& a);   ///< 1 / (1 + exp(-a))
Array silu(const Array& a);      ///< a sigmoid(a)
Array softplus(const Array& a);  ///< log(1 + exp(a))

}  // namespace sscvae
