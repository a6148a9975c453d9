#include "sscvae/train/tensorboard_format.h"

#include <array>
#include <bit>

#include "sscvae/serialization/protobuf.h"

namespace sscvae::train::tensorboard_format {

namespace {

using serialization::little_endian;
using Message = serialization::ProtobufMessage;

// Field numbers of event.proto and summary.proto.
constexpr int kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5, kEventSessionLog = 7;
constexpr int kSummaryValue = 1, kValueTag = 1, kValueSimple = 2, kValueImage = 4;
constexpr int kImageHeight = 1, kImageWidth = 2, kImageColorspace = 3, kImageEncoded = 4;
constexpr int kSessionStatus = 1, kSessionStart = 1;

std::string summary_event(double wall_time, int64_t step, const Message& value) {
  const Message summary = Message().message(kSummaryValue, value);
  return Message().real64(kEventWallTime, wall_time).number(kEventStep, step).message(kEventSummary, summary).bytes();
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
  return Message().real64(kEventWallTime, wall_time).number(kEventStep, step).message(kEventSessionLog, log).bytes();
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
  return summary_event(wall_time, step, Message().text(kValueTag, tag).message(kValueImage, image));
}

}  // namespace sscvae::train::tensorboard_format
