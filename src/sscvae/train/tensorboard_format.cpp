#include "sscvae/train/tensorboard_format.h"

#include <array>
#include <bit>

namespace sscvae::train::tensorboard_format {

namespace {

std::string little_endian(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// A protocol buffer, written field by field. Whole numbers that are 0 are left out, being the default; negative ones
/// take ten bytes.
class Message {
 public:
  Message& number(int field, int64_t value) {
    if (value == 0) return *this;
    key(field, 0);
    return varint(static_cast<uint64_t>(value));
  }
  Message& real64(int field, double value) {
    key(field, 1);
    bytes_ += little_endian(std::bit_cast<uint64_t>(value), 8);
    return *this;
  }
  Message& real32(int field, float value) {
    key(field, 5);
    bytes_ += little_endian(std::bit_cast<uint32_t>(value), 4);
    return *this;
  }
  Message& text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, int wire_type) { varint(static_cast<uint64_t>(field << 3 | wire_type)); }
  Message& varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
    return *this;
  }
  std::string bytes_;
};

// Field numbers of event.proto and summary.proto.
constexpr int kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5, kEventSessionLog = 7;
constexpr int kSummaryValue = 1, kValueTag = 1, kValueSimple = 2, kValueImage = 4;
constexpr int kImageHeight = 1, kImageWidth = 2, kImageColorspace = 3, kImageEncoded = 4;
constexpr int kSessionStatus = 1, kSessionStart = 1;

std::string summary_event(double wall_time, int64_t step, const Message& value) {
  const Message summary = Message().text(kSummaryValue, value.bytes());
  return Message()
      .real64(kEventWallTime, wall_time)
      .number(kEventStep, step)
      .text(kEventSummary, summary.bytes())
      .bytes();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
      entries[i] = crc;
    }
    return entries;
  }();
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ crc >> 8;
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8; }

std::string frame(std::string_view content) {
  const std::string length = little_endian(content.size(), 8);
  return length + little_endian(masked_crc32c(length), 4) + std::string(content) +
         little_endian(masked_crc32c(content), 4);
}

std::string file_version_event(double wall_time) {
  return Message().real64(kEventWallTime, wall_time).text(kEventFileVersion, "brain.Event:2").bytes();
}

std::string session_start_event(double wall_time, int64_t step) {
  const Message log = Message().number(kSessionStatus, kSessionStart);
  return Message()
      .real64(kEventWallTime, wall_time)
      .number(kEventStep, step)
      .text(kEventSessionLog, log.bytes())
      .bytes();
}

std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value) {
  return summary_event(wall_time, step, Message().text(kValueTag, tag).real32(kValueSimple, value));
}

std::string image_event(double wall_time, int64_t step, std::string_view tag, std::string_view png, int64_t width,
                        int64_t height, int64_t colorspace) {
  const Message image = Message()
                            .number(kImageHeight, height)
                            .number(kImageWidth, width)
                            .number(kImageColorspace, colorspace)
                            .text(kImageEncoded, png);
  return summary_event(wall_time, step, Message().text(kValueTag, tag).text(kValueImage, image.bytes()));
}

}  // namespace sscvae::train::tensorboard_format
