#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Decoded images and the way to tensors and back.
namespace sscvae::image {

/// Interleaved samples, 8 or 16 bits deep, 1 (grey) or 3 (RGB) channels.
struct Image {
  int64_t width = 0, height = 0, channels = 1;
  int bit_depth = 8;
  std::vector<uint8_t> bytes;  ///< height x width x channels samples; 16-bit samples in native byte order
  /// What the file held beyond that, in words ("alpha blended over black", "palette"), for reports; usually empty.
  std::string remarks;
};

/// Reads PNG or JPEG by content, not by name. Rules: palettes become RGB (grey if every entry is grey); 1, 2, 4 bit
/// grey becomes 8 bit by exact scaling; 16 bit stays 16 bit; alpha and transparency are blended over black; CMYK and YCCK
/// JPEGs become RGB; gamma, ICC profiles and EXIF orientation are not applied.
/// Errors: IoError if unreadable; FormatError for damaged or foreign content and for more than `kMaxPixels`.
Image read_image(const std::filesystem::path& path);
Image decode_image(std::string_view bytes, const std::string& source);
inline constexpr int64_t kMaxPixels = int64_t{1} << 28;

/// Is this a file name that read_image is meant for (.png, .jpg, .jpeg, any case)?
bool has_image_extension(const std::filesystem::path& path);

/// Writes PNG (8 or 16 bit) or, for .jpg/.jpeg, JPEG (8 bit, quality 95, 4:4:4). Atomic. Errors: IoError; UsageError
/// for another extension or 16-bit JPEG.
void write_image(const std::filesystem::path& path, const Image& image);
/// PNG in memory.
std::string encode_png(const Image& image);

/// float32 [C,H,W] in [0,1]: sample / (2^depth - 1).
at::Tensor to_tensor(const Image& image);
/// Clamps to [0,1] and rounds to nearest: what quality figures and files see. Takes [C,H,W] or [1,C,H,W], C 1 or 3.
Image from_tensor(const at::Tensor& tensor, int bit_depth = 8);

/// Colour to grey and back: grey = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, for 8 bit with Pillow's integer rounding);
/// grey to colour repeats the channel. Returns the image itself where it already has `channels`.
Image with_channels(const Image& image, int64_t channels);

}  // namespace sscvae::image
