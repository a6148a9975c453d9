#include "sscvae/train/tensorboard_format.h"

#include <array>
#include <bit>

namespace sscvae::train::tensorboard_format {

namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}

template <class Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  return bytes;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

/// Wire types of protocol buffers.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string key(uint32_t number, Wire wire) { return varint((number << 3) | wire); }
std::string integer_field(uint32_t number, int64_t value) { return key(number, kVarint) + varint(static_cast<uint64_t>(value)); }
std::string bytes_field(uint32_t number, std::string_view value) {
  return key(number, kBytes) + varint(value.size()) + std::string(value);
}
std::string double_field(uint32_t number, double value) {
  return key(number, kFixed64) + little_endian(std::bit_cast<uint64_t>(value));
}
std::string float_field(uint32_t number, float value) {
  return key(number, kFixed32) + little_endian(std::bit_cast<uint32_t>(value));
}

// Field numbers of Event, Summary, Summary.Value, Summary.Image and SessionLog.
constexpr uint32_t kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5, kEventSessionLog = 7;
constexpr uint32_t kSummaryValue = 1, kValueTag = 1, kValueSimple = 2, kValueImage = 4;
constexpr uint32_t kImageHeight = 1, kImageWidth = 2, kImageColorspace = 3, kImageBytes = 4, kSessionStatus = 1;

std::string summary_event(double wall_time, int64_t step, const std::string& value) {
  return double_field(kEventWallTime, wall_time) + integer_field(kEventStep, step) +
         bytes_field(kEventSummary, bytes_field(kSummaryValue, value));
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> table = make_table();
  uint32_t value = ~0u;
  for (const char byte : bytes) value = table[(value ^ static_cast<unsigned char>(byte)) & 0xff] ^ (value >> 8);
  return ~value;
}

uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

std::string frame(std::string_view content) {
  const std::string length = little_endian(static_cast<uint64_t>(content.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(content) + little_endian(masked_crc32c(content));
}

std::string file_version_event(double wall_time) {
  return double_field(kEventWallTime, wall_time) + bytes_field(kEventFileVersion, "brain.Event:2");
}

std::string session_start_event(double wall_time, int64_t step) {
  constexpr int64_t kStart = 1;
  return double_field(kEventWallTime, wall_time) + integer_field(kEventStep, step) +
         bytes_field(kEventSessionLog, integer_field(kSessionStatus, kStart));
}

std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value) {
  return summary_event(wall_time, step, bytes_field(kValueTag, tag) + float_field(kValueSimple, value));
}

std::string image_event(double wall_time, int64_t step, std::string_view tag, std::string_view png, int64_t width,
                        int64_t height, int64_t colorspace) {
  const std::string image = integer_field(kImageHeight, height) + integer_field(kImageWidth, width) +
                            integer_field(kImageColorspace, colorspace) + bytes_field(kImageBytes, png);
  return summary_event(wall_time, step, bytes_field(kValueTag, tag) + bytes_field(kValueImage, image));
}

}  // namespace sscvae::train::tensorboard_format
