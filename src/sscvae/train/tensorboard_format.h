#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// The bytes of TensorBoard event files: a sequence of framed records, each one an `Event` protocol buffer.
/// Sources: tensorflow/core/lib/io/record_writer.h (frames), core/util/event.proto, core/framework/summary.proto.
namespace sscvae::train::tensorboard_format {

/// CRC-32C (Castagnoli polynomial, reflected): crc32c("123456789") = 0xe3069283.
uint32_t crc32c(std::string_view bytes);

/// The checksum as stored: rotated right by 15 bits plus 0xa282ead8 (mod 2^32).
uint32_t masked_crc32c(std::string_view bytes);

/// length (8 bytes), masked_crc32c(length) (4), content, masked_crc32c(content) (4); little-endian.
std::string frame(std::string_view content);

/// First event of a file: tells the version "brain.Event:2".
std::string file_version_event(double wall_time);

/// SessionLog START: a reader drops earlier events whose step is at or above `step`.
std::string session_start_event(double wall_time, int64_t step);

/// A summary with one `simple_value`, which TensorBoard turns into the tensor form of its scalars plugin on reading.
std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value);

/// A summary with one image; `colorspace` is the number of channels.
std::string image_event(double wall_time, int64_t step, std::string_view tag, std::string_view png, int64_t width,
                        int64_t height, int64_t colorspace);

}  // namespace sscvae::train::tensorboard_format
