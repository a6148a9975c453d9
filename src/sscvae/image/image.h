#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sscvae/array/array.h"

/// Decoded images and the way to arrays and back.
namespace sscvae::image {

enum class FileFormat { kPng, kJpeg };

/// Interleaved samples, 8 or 16 bits deep, 1 (grey) or 3 (RGB) channels, and what a file says about them.
struct Image {
  int64_t width = 0, height = 0, channels = 1;
  int bit_depth = 8;
  std::vector<uint8_t> bytes;            ///< height x width x channels samples; 16-bit samples in native byte order
  std::vector<uint8_t> alpha;            ///< opacity, height x width samples of the same depth; empty: opaque
  std::string icc, exif;                 ///< colour profile and EXIF data (image/metadata.h); empty: none
  FileFormat format = FileFormat::kPng;  ///< of the file that was read
  int significant_bits = 0;              ///< of each sample as a PNG says (sBIT); 0: all, or unknown
  std::string defect;                    ///< what is wrong with the file although all pixels are there; usually empty
  /// What the file held beyond that, in words ("alpha blended over black", "palette"), for reports; usually empty.
  std::string remarks;
};

/// What becomes of opacity: blended over black, or kept beside colours that stay as they are.
enum class Alpha { kBlend, kKeep };

/// Reads PNG or JPEG by content, not by name. Rules: palettes become RGB (grey if every entry is grey); 1, 2, 4 bit
/// grey becomes 8 bit by exact scaling; 16 bit stays 16 bit; CMYK and YCCK JPEGs become RGB; pixels are turned as EXIF
/// orientation says; gamma and ICC profiles are not applied. A file that lacks nothing but its end is a `defect`.
/// Errors: IoError if unreadable; FormatError for damaged or foreign content and for more than `max_pixels`.
inline constexpr int64_t kMaxPixels = int64_t{1} << 28;  ///< unless told otherwise, so that no file fills the memory
Image read_image(const std::filesystem::path& path, Alpha alpha = Alpha::kBlend, int64_t max_pixels = kMaxPixels);
Image decode_image(std::string_view bytes, const std::string& source, Alpha alpha = Alpha::kBlend,
                   int64_t max_pixels = kMaxPixels);

struct ImageSize {
  int64_t width = 0, height = 0;  ///< upright
  int bit_depth = 8;              ///< after decoding: 8 or 16
};

/// What read_image would give, by the same readers, from the header alone (of a PNG: what stands before its pixels).
/// Errors: as read_image.
ImageSize read_image_size(const std::filesystem::path& path, int64_t max_pixels = kMaxPixels);

/// v' = round(v a / max) where the image is not opaque; it is opaque then.
void blend_over_black(Image& image);

/// Is this a file name that read_image is meant for (.png, .jpg, .jpeg, any case)?
bool has_image_extension(const std::filesystem::path& path);

/// Writes PNG (8 or 16 bit) or, for .jpg/.jpeg, JPEG (8 bit, quality 95, 4:4:4), with opacity, profile and EXIF data.
/// Atomic. Errors: IoError; UsageError for another extension and for a JPEG of 16 bits or with opacity.
void write_image(const std::filesystem::path& path, const Image& image);
/// The same in that format, whatever the extension.
void write_image(const std::filesystem::path& path, const Image& image, FileFormat format);
/// PNG in memory. A profile that PNG does not allow for the image is left out.
std::string encode_png(const Image& image);

/// float32 [C,H,W] in [0,1]: sample / (2^depth - 1).
Array to_array(const Image& image);
/// Clamps to [0,1] and rounds to nearest: what quality figures and files see. Takes [C,H,W] or [1,C,H,W], C 1 or 3.
Image from_array(const Array& array, int bit_depth = 8);

/// Colour to grey and back: grey = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, for 8 bit with Pillow's integer
/// rounding); grey to colour repeats the channel. Returns the image itself where it already has `channels`.
Image with_channels(const Image& image, int64_t channels);

}  // namespace sscvae::image
