#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"

/// Arrays and LibTorch's tensors become each other where this header is included, by implicit conversion and without a
/// copy: both then have the same numbers. Gradients do not pass. A tensor of another device than the CPU becomes a
/// shape without numbers.
namespace sscvae {

inline DataType data_type_of(at::ScalarType type) {
  switch (type) {
    case at::kBool:
      return kBool;
    case at::kByte:
      return kUint8;
    case at::kChar:
      return kInt8;
    case at::kShort:
      return kInt16;
    case at::kInt:
      return kInt32;
    case at::kLong:
      return kInt64;
    case at::kHalf:
      return kFloat16;
    case at::kBFloat16:
      return kBFloat16;
    case at::kFloat:
      return kFloat32;
    case at::kDouble:
      return kFloat64;
    default:
      throw InternalError(std::string("no arrays of ") + c10::toString(type));
  }
}

inline at::ScalarType scalar_type_of(DataType type) {
  constexpr at::ScalarType kTypes[] = {at::kBool, at::kByte, at::kChar,     at::kShort, at::kInt,
                                       at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble};
  return kTypes[static_cast<size_t>(type)];
}

inline at::IntArrayRef ints(const Sizes& sizes) { return {sizes.begin(), sizes.size()}; }
inline Sizes sizes_of(at::IntArrayRef values) { return Sizes(values.begin(), values.end()); }

template <>
struct ForeignArray<at::Tensor> {
  static Array in(const at::Tensor& tensor) {
    if (!tensor.defined()) return {};
    const DataType type = data_type_of(tensor.scalar_type());
    const Sizes sizes = sizes_of(tensor.sizes());
    if (!tensor.is_cpu()) return Array::placeholder(sizes, type);
    return Array::borrow(tensor.const_data_ptr(), sizes, sizes_of(tensor.strides()), type,
                         std::make_shared<at::Tensor>(tensor));
  }
  static at::Tensor out(const Array& array) {
    if (!array.defined()) return {};
    const at::TensorOptions options(scalar_type_of(array.type()));
    return at::from_blob(
        array.bytes(), ints(array.sizes()), ints(array.strides()), [owner = array.owner()](void*) {}, options);
  }
};

/// Where no conversion is implied.
inline at::Tensor as_tensor(const Array& array) { return array; }

}  // namespace sscvae
