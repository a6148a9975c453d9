#pragma once

#include "sscvae/array/array.h"

/// Products of matrices, in float32 or float64 as their operands are.
namespace sscvae {

Array mm(const Array& a, const Array& b);                       ///< [m,k] [k,n]
Array addmm(const Array& sum, const Array& a, const Array& b);  ///< sum + a b
Array bmm(const Array& a, const Array& b);                      ///< [N,m,k] [N,k,n]
Array mv(const Array& matrix, const Array& vector);             ///< [m,k] [k]
Array outer(const Array& a, const Array& b);                    ///< [m] [n] -> [m,n]
Array linear(const Array& rows, const Array& weight);           ///< rows weight^T
double dot(const Array& a, const Array& b);
Array softmax(const Array& a, int64_t axis);

}  // namespace sscvae
