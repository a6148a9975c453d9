#include "sscvae/array/data_type.h"

#include <algorithm>
#include <cmath>

namespace sscvae {

namespace {

constexpr uint32_t kSign = 0x80000000, kFloat32Infinity = 0x7f800000;

}  // namespace

BFloat16::BFloat16(float value) {
  const uint32_t word = std::bit_cast<uint32_t>(value);
  if ((word & ~kSign) > kFloat32Infinity) bits = 0x7fc0;
  else bits = static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

Float16::Float16(float value) {
  const uint32_t word = std::bit_cast<uint32_t>(value), magnitude = word & ~kSign;
  const auto sign = static_cast<uint16_t>((word & kSign) >> 16);
  if (magnitude > kFloat32Infinity) {
    bits = sign | 0x7e00;
  } else if (magnitude >= 0x477ff000) {  // 65520 and more
    bits = sign | 0x7c00;
  } else if (magnitude < 0x38800000) {  // below 2^-14: multiples of 2^-24
    bits = sign | static_cast<uint16_t>(std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24F));
  } else {
    bits = sign | static_cast<uint16_t>((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13);
  }
}

Float16::operator float() const {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16, exponent = (bits >> 10) & 31, rest = bits & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | kFloat32Infinity | rest << 13);
  const float magnitude =
      exponent == 0 ? static_cast<float>(rest) * 0x1p-24F : std::bit_cast<float>((exponent + 112) << 23 | rest << 13);
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

int64_t size_of(DataType type) {
  return with_type(type, [](auto value) { return static_cast<int64_t>(sizeof(value)); });
}

bool is_floating_point(DataType type) { return type >= kFloat16; }

std::string name_of(DataType type) {
  constexpr const char* kNames[] = {"bool",  "uint8",   "int8",     "int16",   "int32",
                                    "int64", "float16", "bfloat16", "float32", "float64"};
  return kNames[static_cast<size_t>(type)];
}

DataType common_type(DataType a, DataType b) {
  if (a == b) return a;
  const auto [low, high] = std::minmax(a, b);
  if (low == kFloat16 && high == kBFloat16) return kFloat32;
  if (low == kUint8 && high == kInt8) return kInt16;
  return high;
}

}  // namespace sscvae
