#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sscvae::serialization {

/// A protocol buffer, written field by field in the order of the calls. Source: protobuf.dev, "Encoding".
class ProtobufMessage {
 public:
  /// A whole number; 0 is left out, being the default. Negative ones take ten bytes.
  ProtobufMessage& number(int field, int64_t value);
  /// The same with 0 written: an element of a repeated field, or one that must be present.
  ProtobufMessage& present_number(int field, int64_t value);
  ProtobufMessage& real64(int field, double value);
  ProtobufMessage& real32(int field, float value);
  ProtobufMessage& text(int field, std::string_view value);
  ProtobufMessage& message(int field, const ProtobufMessage& value) { return text(field, value.bytes()); }
  /// The beginning of a text or message of that many bytes, which the caller writes behind this message's own.
  ProtobufMessage& announce(int field, uint64_t size);
  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, int wire_type) { varint(static_cast<uint64_t>(field << 3 | wire_type)); }
  void varint(uint64_t value);
  std::string bytes_;
};

/// The lowest `size` bytes of a number, lowest first.
std::string little_endian(uint64_t value, int size);

}  // namespace sscvae::serialization
