#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "sscvae/image/image.h"

/// The two file formats behind read_image and write_image. Private to this folder.
///
/// libpng and libjpeg report errors by longjmp. Every call of theirs therefore stands in a small function whose frame
/// owns nothing with a destructor; what must be released is owned one frame further out.
namespace sscvae::image {

bool is_png(std::string_view bytes);
bool is_jpeg(std::string_view bytes);

/// Memory is taken only after the header proves plausible: deflate cannot expand more than 1032-fold, so a PNG that
/// claims more samples than that for its length is refused before its rows are allocated.
/// A failed check sum of image data is an error, a missing end behind sound data a defect. Errors: FormatError.
Image decode_png(std::string_view bytes, int64_t max_pixels, const std::string& source);
/// From the begin of a file of `length` bytes on. Errors as decode_png.
ImageSize png_size(std::FILE* file, uint64_t length, int64_t max_pixels, const std::string& source);

/// A block of 8x8 samples takes at least one bit of a Huffman-coded JPEG, so that 512 pixels a byte are the most that
/// a header may claim (arithmetic coding: 2^24 pixels more); at most 100 scans. libjpeg's warnings of damaged data are
/// errors here: a truncated file never gives a half-grey image. Where all of every scan is there and only the end is
/// missing, that is a defect (not with arithmetic coding, which cannot tell). Errors: FormatError.
Image decode_jpeg(std::string_view bytes, int64_t max_pixels, const std::string& source);
/// From the begin of a file of `length` bytes on. Errors as decode_jpeg.
ImageSize jpeg_size(std::FILE* file, uint64_t length, int64_t max_pixels, const std::string& source);

/// Errors: UsageError for what JPEG cannot hold: 16 bits, opacity, sides above 65500, EXIF data above 65527 bytes.
std::string encode_jpeg(const Image& image, int quality);

/// Adds to what is said about the image in words.
void add_remark(Image& image, const std::string& remark);

/// The defect of a file that lacks nothing but its end.
inline constexpr const char* kEndMissing = "the end of the file is missing, all pixels are there";

/// FormatError unless 1 <= width, height and width * height <= max_pixels.
void check_image_size(uint64_t width, uint64_t height, int64_t max_pixels, const std::string& source);

/// InternalError unless the image's fields fit each other.
void check_consistent(const Image& image);

}  // namespace sscvae::image
