#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace sscvae {

/// How a number of an array is stored.
enum class DataType : uint8_t {
  kBool,  ///< one byte, 0 or 1
  kUint8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
};
using enum DataType;

/// The upper half of a float32.
struct BFloat16 {
  uint16_t bits = 0;

  BFloat16() = default;
  /// Rounds to nearest, ties to even; NaN stays NaN.
  explicit BFloat16(float value);
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

/// IEEE 754 half precision.
struct Float16 {
  uint16_t bits = 0;

  Float16() = default;
  /// Rounds to nearest, ties to even; beyond 65519 infinite.
  explicit Float16(float value);
  operator float() const;
};

int64_t size_of(DataType type);  ///< bytes
bool is_floating_point(DataType type);
/// "float32".
std::string name_of(DataType type);
/// The type of a sum of numbers of these types: the wider one, floating point before integers.
DataType common_type(DataType a, DataType b);

template <class T>
constexpr DataType data_type_of();
template <>
constexpr DataType data_type_of<bool>() {
  return kBool;
}
template <>
constexpr DataType data_type_of<uint8_t>() {
  return kUint8;
}
template <>
constexpr DataType data_type_of<int8_t>() {
  return kInt8;
}
template <>
constexpr DataType data_type_of<int16_t>() {
  return kInt16;
}
template <>
constexpr DataType data_type_of<int32_t>() {
  return kInt32;
}
template <>
constexpr DataType data_type_of<int64_t>() {
  return kInt64;
}
template <>
constexpr DataType data_type_of<Float16>() {
  return kFloat16;
}
template <>
constexpr DataType data_type_of<BFloat16>() {
  return kBFloat16;
}
template <>
constexpr DataType data_type_of<float>() {
  return kFloat32;
}
template <>
constexpr DataType data_type_of<double>() {
  return kFloat64;
}

/// Calls f with a value of the C++ type that stores `type`.
template <class F>
decltype(auto) with_type(DataType type, F&& f) {
  switch (type) {
    case kBool:
      return f(bool{});
    case kUint8:
      return f(uint8_t{});
    case kInt8:
      return f(int8_t{});
    case kInt16:
      return f(int16_t{});
    case kInt32:
      return f(int32_t{});
    case kInt64:
      return f(int64_t{});
    case kFloat16:
      return f(Float16{});
    case kBFloat16:
      return f(BFloat16{});
    case kFloat32:
      return f(float{});
    case kFloat64:
      break;
  }
  return f(double{});
}

}  // namespace sscvae
