#include "sscvae/serialization/protobuf.h"

#include <bit>

namespace sscvae::serialization {

ProtobufMessage& ProtobufMessage::number(int field, int64_t value) {
  return value == 0 ? *this : present_number(field, value);
}

ProtobufMessage& ProtobufMessage::present_number(int field, int64_t value) {
  key(field, 0);
  varint(static_cast<uint64_t>(value));
  return *this;
}

ProtobufMessage& ProtobufMessage::real64(int field, double value) {
  key(field, 1);
  bytes_ += little_endian(std::bit_cast<uint64_t>(value), 8);
  return *this;
}

ProtobufMessage& ProtobufMessage::real32(int field, float value) {
  key(field, 5);
  bytes_ += little_endian(std::bit_cast<uint32_t>(value), 4);
  return *this;
}

ProtobufMessage& ProtobufMessage::text(int field, std::string_view value) {
  announce(field, value.size());
  bytes_ += value;
  return *this;
}

ProtobufMessage& ProtobufMessage::announce(int field, uint64_t size) {
  key(field, 2);
  varint(size);
  return *this;
}

void ProtobufMessage::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
  bytes_ += static_cast<char>(value);
}

std::string little_endian(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace sscvae::serialization
